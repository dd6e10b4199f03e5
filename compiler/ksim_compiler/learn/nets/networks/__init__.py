"""Equinox networks built from the declared ones. A module for each kind, found by walking."""

from ksim_compiler.learn.nets.networks.base import (
    BUILDERS as BUILDERS,
    Net as Net,
    NetCarry as NetCarry,
    build_network as build_network,
    builds as builds,
    forgotten as forgotten,
)
from ksim_schema.vocabulary import import_all

import_all(__name__, __path__)
