"""What probe, server and collector agree on. Pure: no I/O, no clock, no randomness."""
