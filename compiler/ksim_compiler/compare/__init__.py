"""Compare: several runs, or a study, on one page."""
