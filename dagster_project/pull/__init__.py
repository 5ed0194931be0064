"""Asking the CRMs' APIs for their records and laying them down as delivered files.

What belongs here: one module per system, and what they share (transport, credentials, delivery).
What does not: reading what was laid down (ingest), Dagster, or any other verb. The room needs the
extra ``pull``; nothing outside of it imports its libraries.
"""
