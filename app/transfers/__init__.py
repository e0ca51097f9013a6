"""Transfers between warehouses: requested, picked, in transit, received with differences line by line."""
