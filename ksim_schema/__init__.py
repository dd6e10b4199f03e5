"""The task language: schema, vocabulary, typed graph and diagnostics. Imports no simulator."""
