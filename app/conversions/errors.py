"""Refusals about kits and conversions."""
