"""Exchange: acsets in and out, the JSON Schema for editors, recorded rollouts.

Import its modules; they are loaded when asked for.
"""
