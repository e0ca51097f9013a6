"""Refusals about imports."""
