"""The ledger: every record, verbatim, and what is needed to find and to prove it."""
