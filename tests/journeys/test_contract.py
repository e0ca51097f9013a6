"""Programs of every role send what the OpenAPI document allows, and what it does not: nothing makes a fault."""

from __future__ import annotations

import base64
import json
import os
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, settings

from app.config import Settings
from app.factory import create_app
from tests.journeys import house as houses

ROLES = [
    *("partner", "coordinator", "county", "dispatcher", "worker"),
    *("manager", "driver", "donor", "auditor", "admin"),
]
EXAMPLES = int(os.environ.get("TORTURE_EXAMPLES", "1"))
"""Of each operation, for each role: together some thousand requests. More by night."""


@pytest.fixture(scope="module")
def quiet_house(
    country: tuple[str, Path], new_database: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Any, dict[str, str]]]:
    """The application on a small country, whose jobs nobody runs; and each role's token."""
    template, folder = country
    data_dir = tmp_path_factory.mktemp("contract")
    key = base64.urlsafe_b64decode(houses.KEY)
    with new_database(template) as url:
        made = Settings(
            database_url=url,
            redis_url="unix:///nobody.sock",
            secret_key="only for tests",
            personal_keys={"test": key},
            index_key=key,
            data_dir=data_dir,
        )
        app = create_app(made, ring=lambda _job_ids: None)
        accounts = json.loads((folder / "demo-accounts.json").read_text())
        yield app, {account["email"].split("@")[0]: account["token"] for account in accounts}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("who", ROLES)
def test_no_program_makes_a_fault(quiet_house: Any, who: str) -> None:
    import schemathesis
    from schemathesis import GenerationMode

    app, tokens = quiet_house
    turn = ROLES.index(who)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
        faults: list[str] = []
        answered: Counter[int] = Counter()
        for number, found in enumerate(schema.get_all_operations()):
            # What the document does not allow is sent by another role each time.
            mode = GenerationMode.NEGATIVE if number % len(ROLES) == turn else GenerationMode.POSITIVE
            send(found.ok(), tokens[who], mode, faults, answered)
    assert sum(answered.values()) > 100, "the document names the whole API"
    assert answered[200] > 10, f"the token opens what its role may do: {answered}"
    assert faults == []


def send(operation: Any, token: str, mode: Any, faults: list[str], answered: Counter[int]) -> None:
    """Send a few requests of one operation, allowed by the document or not; note what should never come back."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    def probe(case: Any) -> None:
        answer = case.call(headers={"Authorization": f"Bearer {token}"})
        answered[answer.status_code] += 1
        kind = answer.headers.get("content-type", [""])[0]
        if answer.status_code >= 500:
            faults.append(f"{case.method} {case.formatted_path}: {answer.status_code} {answer.text[:300]}")
        elif answer.status_code >= 400 and "application/problem+json" not in kind:
            faults.append(f"{case.method} {case.formatted_path}: {answer.status_code} is no problem document: {kind}")

    probe()
