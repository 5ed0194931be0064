"""Closed periods and statements: from marts to frozen inputs, to ``state/closed``, and back.

What belongs here: reading what pay needs out of a release or the working marts, freezing a period,
comparing revisions. What does not: the rules of pay (pay), KPI formulas (registry), Dagster.
"""
