"""Sales KPI warehouse: delivered CRM files in, gated KPI marts out."""

__version__ = "0.1.0"
