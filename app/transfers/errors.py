"""Refusals about transfers."""
