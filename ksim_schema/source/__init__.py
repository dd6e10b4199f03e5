"""Source: YAML and JSON read with the line and column of every value."""

from ksim_schema.source.yaml_reader import (
    Document as Document,
    Path_ as Path_,
    dotted as dotted,
    parse as parse,
    read as read,
    resolve as resolve,
)
