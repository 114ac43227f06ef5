"""Papers made of verdicts, and what they need: standards' files."""
