"""Every Dagster decorator of the project; the work itself lies in the pure rooms beside."""
