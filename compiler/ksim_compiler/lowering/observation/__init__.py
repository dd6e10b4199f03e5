"""Rules of observations: the true value of each, and what its sensor makes of it.

A value may have several axes (body by body); the reading is flat.
"""

from ksim_compiler.lowering.observation.trunk import (
    DISTORTIONS as DISTORTIONS,
    Distortion as Distortion,
)
