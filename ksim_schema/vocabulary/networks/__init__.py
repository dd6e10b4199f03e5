"""Networks: what a policy or a critic is made of. A module for each kind, found by walking.

Declared only; ``ksim_compiler.learn.nets`` turns them into arrays, by a module for each kind too.
"""

from typing import TYPE_CHECKING

from ksim_schema.vocabulary.base import import_all, one_of
from ksim_schema.vocabulary.networks.base import (
    NETWORKS as NETWORKS,
    Network as Network,
    Recurrent as Recurrent,
)

import_all(__name__, __path__)

if TYPE_CHECKING:
    AnyNetwork = Network
else:
    AnyNetwork = one_of(NETWORKS)
