"""A policy as an archive of kinfer, K-Scale's inference engine (``kinfer`` on PyPI, 0.6).

An archive holds ``init_fn.onnx``, which gives the memory at the start, ``step_fn.onnx``, from what
kinfer reads and the memory to a target for each joint and the next memory, and ``metadata.json``:
the names of the joints and of the command's numbers, and the memory's size.
"""

from ksim_compiler.deploy.kinfer.archive import Archive as Archive, archive as archive
