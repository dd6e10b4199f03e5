"""Rules of rewards: the unscaled value of each, or of each of its components."""

from ksim_compiler.lowering.reward.kernels import (
    exp_kernel as exp_kernel,
    exp_kernel_with_penalty as exp_kernel_with_penalty,
    norm as norm,
    reduced as reduced,
)
