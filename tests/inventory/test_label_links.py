"""Pages that show places and lots lead to the labels of just these."""

import html
import re
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import select

from app.donations.models import Arrival, Offer
from app.stock.models import Lot, Place, Warehouse
from app.stocktakes.models import StocktakePlace
from tests.builders import a_stocktake

LINK = re.compile(r'href="(/labels/\?[^"]+)"')


def asked_of_labels(browser, address):
    found = LINK.findall(browser.get(address).text)
    assert len(found) == 1, address
    link = html.unescape(found[0])
    assert browser.get(link).status_code == 200
    asked = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    # What is asked of the page is understood by what prints.
    sheet = {name: value for name, value in asked.items() if name != "what"}
    assert browser.get(f"/labels/{asked['what']}.pdf", query_string=sheet).mimetype == "application/pdf"
    return asked


def test_a_stocktake_an_arrival_and_an_offer_lead_to_their_labels(serve, work, country):
    with work() as uow:
        lot = uow.session.get_one(Lot, country.lot)
        stocktake = a_stocktake(uow, uow.session.get_one(Warehouse, country.here), lot)
        places = uow.session.scalars(
            select(StocktakePlace.place_id)
            .join(Place, Place.id == StocktakePlace.place_id)
            .where(StocktakePlace.stocktake_id == stocktake.id, Place.kind != "box")
        )
        ids = {str(place_id) for place_id in places}
        arrival = uow.session.scalars(select(Arrival.id).where(Arrival.offer_id == country.offer)).one()
        uow.session.get_one(Offer, country.offer).state = "arrived"
    browser = serve()
    asked = asked_of_labels(browser, f"/stocktakes/{stocktake.id}")
    assert (asked["what"], set(asked["ids"].split(","))) == ("places", ids)
    asked = asked_of_labels(browser, f"/arrivals/{arrival}")
    assert asked == {"what": "lots", "ids": f"L-{country.lot}"}
    asked = asked_of_labels(browser, f"/offers/{country.offer}")
    assert asked == {"what": "documents", "kind": "offer", "ids": f"F-{country.offer}"}
