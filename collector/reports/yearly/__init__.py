"""A ward's year as JSON, sheets, a document and a PDF: one content, four files."""
