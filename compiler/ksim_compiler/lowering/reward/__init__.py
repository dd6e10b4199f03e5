"""Rules of rewards: the unscaled value of each, or of each of its components."""

from ksim_compiler.lowering.reward.kernels import exp_kernel, exp_kernel_with_penalty, norm, reduced

__all__ = ["exp_kernel", "exp_kernel_with_penalty", "norm", "reduced"]
