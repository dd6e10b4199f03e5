"""Explain: what a model of the language is and takes, in words, and an example of it."""
