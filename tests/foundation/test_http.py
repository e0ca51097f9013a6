"""The web edge: what a request that lost a race is given when it is tried once more."""

from flask import g
from psycopg.errors import UniqueViolation
from sqlalchemy.exc import IntegrityError

from app.factory import create_app
from app.foundation.http import PUBLIC, in_unit_of_work
from tests.conftest import EVERYTHING


def test_a_view_that_lost_a_race_gets_the_body_once_more_as_it_was_sent(settings, sessions):
    app = create_app(settings, sessions=sessions, identify=lambda: EVERYTHING, ring=lambda ids: None)
    seen = []

    @in_unit_of_work(PUBLIC)
    def view(uow, body):
        seen.append((body.pop("reference"), body["lines"][0].pop("quantity")))
        if len(seen) == 1:
            raise IntegrityError("a twin was faster", {}, UniqueViolation())
        return "told once"

    with app.test_request_context():
        g.actor = EVERYTHING
        assert view({"reference": "A-1", "lines": [{"quantity": 2}]}) == "told once"
    assert seen == [("A-1", 2), ("A-1", 2)]
