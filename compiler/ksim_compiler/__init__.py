"""The compiler and the runner of ksim-schema tasks."""
