"""A warehouse in which something can no longer be given."""

import io

import pytest
from PIL import Image

from app.factory import create_app
from app.foundation.actor import Actor, Scope
from tests.conftest import EVERYTHING
from tests.stock.conftest import Hall, build_hall


@pytest.fixture
def hall(work) -> Hall:
    """A warehouse with ten of a lot on its shelf."""
    with work() as uow:
        return build_hall(uow)


def manager(hall: Hall, id: int = 8) -> Actor:
    """Return a manager of the hall."""
    grants = dict.fromkeys(("stock.read", "stock.operate", "stock.write_off", "vouchers.cancel"), Scope.WAREHOUSE)
    return Actor(
        id,
        "Manager",
        "warehouse_manager",
        {**grants, "catalogue.read": Scope.ALL},
        {Scope.WAREHOUSE: (hall.warehouse_id,)},
    )


@pytest.fixture
def serve(settings, clock, sessions):
    """Return a browser in which somebody is signed in."""

    def make(actor=EVERYTHING, pseudo=False):
        app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: actor)
        app.config["TESTING"] = True
        app.config["PSEUDO_LANGUAGE"] = pseudo
        return app.test_client()

    return make


def a_picture(form: str = "PNG", size: tuple[int, int] = (40, 30), **more) -> bytes:
    """Return a small picture."""
    written = io.BytesIO()
    Image.new("RGB", size, (180, 40, 30)).save(written, form, **more)
    return written.getvalue()
