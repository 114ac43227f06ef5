"""Copies of the ledger as time series elsewhere: read by a stored cursor, safe to write twice."""
