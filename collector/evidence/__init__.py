"""A month's evidence in one file, and how anybody checks it without us: docs/evidence.md."""
