"""Refusals about stocktakes."""
