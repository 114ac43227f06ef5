"""Months of a ledger as files: written, checked, and put back."""
