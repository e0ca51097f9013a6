"""A donor reads what arrived of their own, and nothing of another's."""

import pytest
from flask import url_for

from app.accounts.roles import GRANTS, Role
from app.donations import queries
from app.donations.errors import NoSuchArrival
from app.factory import create_app
from app.foundation.actor import Actor, Scope
from tests import builders as make


@pytest.fixture
def world(work):
    with work() as uow:
        county = make.a_county(uow)
        warehouse = make.a_warehouse(uow, county)
        donors = [make.a_donor(uow), make.a_donor(uow)]
        offers = [make.an_offer(uow, donor, county, warehouse_id=warehouse.id) for donor in donors]
        arrivals = [make.an_arrival(uow, offer, warehouse) for offer in offers]
        return {
            "donors": [donor.id for donor in donors],
            "arrivals": [arrival.id for arrival in arrivals],
            "offers": [offer.id for offer in offers],
        }


def donor(world, number=0):
    return Actor(None, "donor", "donor", GRANTS[Role.DONOR], {Scope.OWN: (world["donors"][number],)}, "en")


def test_a_donor_reads_their_own_arrival_with_its_lines_and_no_others(work, world):
    own, other = world["arrivals"]
    with work(donor(world)) as uow:
        found = queries.arrival(uow.session, uow.actor, own)
        assert [line.quantity for line in found.lines] == [20]
        assert [arrival.id for arrival in queries.arrivals(uow.session, uow.actor).rows] == [own]
        assert [each.id for each in queries.arrivals_of(uow.session, uow.actor, world["offers"][0])] == [own]
        with pytest.raises(NoSuchArrival):
            queries.arrival(uow.session, uow.actor, other)


def test_the_page_and_the_api_show_it(settings, sessions, clock, world):
    app = create_app(settings, sessions=sessions, clock=clock, ring=lambda _: None, identify=lambda: donor(world))
    app.config["TESTING"] = True
    client = app.test_client()
    own, other = world["arrivals"]
    with app.test_request_context():
        pages = [
            (url_for(endpoint, arrival_id=own), url_for(endpoint, arrival_id=other))
            for endpoint in ("donations-api.arrival", "donations.arrival")
        ]
    for mine, anothers in pages:
        assert client.get(mine).status_code == 200, mine
        assert client.get(anothers).status_code == 404, anothers
