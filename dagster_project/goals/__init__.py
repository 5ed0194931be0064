"""Goals and tasks: what a target means, how likely it is, how far it has come. Pure.

What belongs here: rules of goals on figures that are handed in. What does not: files (ingest), the
marts (planning), formulas of KPIs (dbt), pay.
"""
