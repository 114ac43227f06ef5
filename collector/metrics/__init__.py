"""`/metrics` of the collector."""
