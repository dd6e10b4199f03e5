"""A policy for a robot: an ONNX graph, and a contract of what it reads and sets."""
