"""Refusals about write-offs."""
