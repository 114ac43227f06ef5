"""Pure: statistics, rules and months. No I/O, no clock."""
