"""Source: YAML and JSON read with the line and column of every value."""

from ksim_schema.source.yaml_reader import Document, Path_, dotted, parse, read, resolve

__all__ = ["Document", "Path_", "dotted", "parse", "read", "resolve"]
