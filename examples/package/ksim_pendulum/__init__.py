"""Tasks, robots and kinds for ksim-schema. Nothing here has to be imported."""
