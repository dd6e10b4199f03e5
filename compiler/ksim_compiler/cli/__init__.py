"""The commands. Only they print and exit; what they call returns data."""
