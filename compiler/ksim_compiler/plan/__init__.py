"""Plan: what the passes work on, what must hold of it, and what its columns mean."""

from ksim_compiler.plan.plan import Column, Plan, Reflection, Shape, base_text

__all__ = ["Column", "Plan", "Reflection", "Shape", "base_text"]
