"""The measurement server: what probes and LibreSpeed clients measure against."""
