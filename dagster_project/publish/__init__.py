"""Marts -> a release folder, verified, swapped in one rename.

What belongs here: release folders and what lies in them. What does not: figures, gates' rules.
"""
