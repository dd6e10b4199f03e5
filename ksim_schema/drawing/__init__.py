"""Drawing: a task or a difference as a picture with layers."""
