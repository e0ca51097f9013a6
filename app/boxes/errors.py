"""Refusals about boxes and pallets."""
