"""Complaints as cases: opened from a month's folder, sent by mail, reminded of, measured again."""
