"""A ward's year against what its plans aim at. Pure: counted from months that were judged."""
