"""Goals on this workspace's marts: reading what they need, landing what comes of them.

What belongs here: SQL over the marts, ``raw.goals__*``, the baselines kept in ``state/``. What does
not: any rule of a goal (goals), files (ingest).
"""
