"""Pay on KPIs: a plan and frozen inputs in, statement lines out, to the kopeck.

What belongs here: bonus plans as files, their invariants, the engine, settlements between periods.
What does not: Dagster, databases, KPI formulas (registry), freezing periods (closing).
"""
