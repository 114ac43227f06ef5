"""`linewatch demo`: server, collector and one probe on this machine."""
