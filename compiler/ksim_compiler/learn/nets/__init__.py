"""Nets: networks, distributions and normalizers."""
