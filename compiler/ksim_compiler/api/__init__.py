"""What a Python program uses of this project, by ``import ksim_compiler as ksim``."""
