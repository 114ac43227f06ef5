"""The HTTP API: what probes write to, and what others read from."""
