"""A warehouse with a lot on its shelf, to fill boxes from."""

from tests.stock.conftest import hall

__all__ = ["hall"]
