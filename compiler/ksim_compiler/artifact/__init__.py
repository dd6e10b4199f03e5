"""Artifact: the ``.ksim`` file, a compiled task with all that it needs."""

from ksim_compiler.artifact.archive import Archive, pack, read, unpack, versions, write
from ksim_compiler.artifact.container import MAX_MEMBERS, ArtifactError

__all__ = ["MAX_MEMBERS", "Archive", "ArtifactError", "pack", "read", "unpack", "versions", "write"]
