"""The steps that bring a ledger from each version of its tables to the next."""
