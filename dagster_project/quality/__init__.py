"""Relation + suite -> verdict: what may pass a boundary, and the reports about it.

What belongs here: running the suites of expectations/ and keeping their verdicts. What does not:
SQL of what is checked (models), what follows from a verdict (defs, cli).
"""
