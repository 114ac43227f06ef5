"""The list of lines that a ward keeps: read from its own sheet, compared, stored; or written."""
