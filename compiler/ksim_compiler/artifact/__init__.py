"""Artifact: the ``.ksim`` file, a compiled task with all that it needs."""

from ksim_compiler.artifact.archive import (
    Archive as Archive,
    canonical_text as canonical_text,
    digest as digest,
    pack as pack,
    read as read,
    unpack as unpack,
    versions as versions,
    with_meaning as with_meaning,
    write as write,
)
from ksim_compiler.artifact.container import (
    MAX_MEMBERS as MAX_MEMBERS,
    ArtifactError as ArtifactError,
)
