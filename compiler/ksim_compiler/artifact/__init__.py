"""Artifact: the ``.ksim`` file, a compiled task with all that it needs."""

from ksim_compiler.artifact.archive import (
    Archive as Archive,
    pack as pack,
    read as read,
    unpack as unpack,
    versions as versions,
    write as write,
)
from ksim_compiler.artifact.container import (
    MAX_MEMBERS as MAX_MEMBERS,
    ArtifactError as ArtifactError,
)
