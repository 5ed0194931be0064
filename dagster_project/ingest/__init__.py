"""Delivered files -> landing Parquet -> raw tables: nothing lost, nothing twice.

What belongs here: recognising, reading and landing files, and the raw tables that models read.
What does not: types and clean names (staging models), rules and figures (models), gates.
"""
