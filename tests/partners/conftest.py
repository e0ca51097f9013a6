from __future__ import annotations

import pytest

from app.foundation.personal import Keyring, use_keyring
from tests.needs.world import a_village


@pytest.fixture(autouse=True)
def _keys():
    use_keyring(Keyring({"test": bytes(range(32))}, bytes(range(32, 64))))


@pytest.fixture
def village(work):
    with work() as uow:
        return a_village(uow)
