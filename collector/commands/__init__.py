"""`linewatch collector …` and the commands of the registry."""
