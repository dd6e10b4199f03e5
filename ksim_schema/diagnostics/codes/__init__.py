"""The codes of diagnostics, a module for each hundred of them."""
