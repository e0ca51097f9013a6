"""The optional geocoder: a real HTTP server answers, fails, dawdles, lies and redirects."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from app.geography import geocoder, queries
from app.geography.point import Point

NEAR = {"lat": "48.4350", "lon": "20.9700", "display_name": "Petőfi utca 3, Csenyéte"}
FAR = {"lat": "47.5", "lon": "19.04", "display_name": "Petőfi utca 3, Budapest"}
ABROAD = {"lat": "48.72", "lon": "21.26", "display_name": "Petőfi utca 3, Košice"}


@pytest.fixture
def server():
    """A geocoder of our own; `answers` is what it says, `asked` what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append((self.path, dict(self.headers)))
            answer = self.server.answer
            if callable(answer):
                answer(self)
                return
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(self.server.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.answer, server.status = [], [], 200
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}/nominatim"
    yield server
    server.shutdown()
    server.server_close()


def locate(work, server, address, seconds_max=2):
    asked = geocoder.NominatimGeocoder(server.url, seconds_max=seconds_max) if server else None
    with work() as uow:
        return [(each.label, each.exactness, each.point) for each in queries.locate(uow.session, address, asked)]


SETTLEMENT = ("Csenyéte, Borsod-Abaúj-Zemplén", "settlement", Point(48.4342, 20.9693))


@pytest.mark.parametrize(
    "address",
    ["Csenyéte", "csenyete", "3837 Csenyéte", "3837 Csenyéte, Petőfi utca 3", "Csenyéte Petőfi utca 3", "3837"],
)
def test_without_a_geocoder_the_settlement_is_the_answer(work, address):
    assert locate(work, None, address) == [SETTLEMENT]


@pytest.mark.parametrize("address", ["", "Petőfi utca 3", "7600", "9999 Nowhere", ",", "%"])
def test_an_address_without_a_settlement_has_no_place(work, address):
    assert locate(work, None, address) == []


def test_a_street_is_asked_for_and_comes_before_the_settlement(work, server):
    server.answer = [NEAR]
    found = locate(work, server, "3837 Csenyéte, Petőfi utca 3")
    assert found == [("Petőfi utca 3, Csenyéte", "street", Point(48.435, 20.97)), SETTLEMENT]
    path, headers = server.asked[0]
    assert path.startswith("/nominatim/search?")
    question = parse_qs(urlsplit(path).query)
    assert question["street"] == ["Petőfi utca 3"]
    assert question["city"] == ["Csenyéte"]
    assert question["postalcode"] == ["3837"]
    assert headers["User-Agent"] == "adomanybank"


def test_the_gazetteer_is_asked_first_and_alone_where_there_is_no_street(work, server):
    server.answer = [NEAR]
    assert locate(work, server, "3837 Csenyéte") == [SETTLEMENT]
    assert locate(work, server, "Nowhere, Petőfi utca 3") == []
    assert server.asked == []


def test_a_street_elsewhere_is_not_believed(work, server):
    server.answer = [FAR, ABROAD, NEAR]
    labels = [label for label, *_ in locate(work, server, "Csenyéte, Petőfi utca 3")]
    assert labels == ["Petőfi utca 3, Csenyéte", "Csenyéte, Borsod-Abaúj-Zemplén"]


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, b"broken"),
        (429, b"slow down"),
        (200, b"<html>no json</html>"),
        (200, b""),
        (200, {"error": "unable"}),
        (200, [{"display_name": "no point"}]),
        (200, [{"lat": "north", "lon": "east", "display_name": "x"}]),
        (200, b'["' + b"x" * 3_000_000 + b'"]'),
    ],
    ids=["500", "429", "html", "empty", "error", "no point", "words", "endless"],
)
def test_a_broken_geocoder_leaves_the_settlement(work, server, status, answer):
    server.status, server.answer = status, answer
    assert locate(work, server, "Csenyéte, Petőfi utca 3") == [SETTLEMENT]


def test_a_geocoder_that_dawdles_is_not_waited_for(work, server):
    server.answer = lambda _: time.sleep(3)
    began = time.monotonic()
    assert locate(work, server, "Csenyéte, Petőfi utca 3", seconds_max=0.3) == [SETTLEMENT]
    assert time.monotonic() - began < 2


def test_a_geocoder_may_not_send_us_elsewhere(work, server):
    def elsewhere(handler):
        if "moved" in handler.path:
            raise AssertionError("the redirect was followed")
        handler.send_response(302)
        handler.send_header("Location", server.url + "/moved")
        handler.end_headers()

    server.answer = elsewhere
    assert locate(work, server, "Csenyéte, Petőfi utca 3") == [SETTLEMENT]
    assert len(server.asked) == 1


def test_a_geocoder_that_is_gone_leaves_the_settlement(work):
    gone = geocoder.NominatimGeocoder("http://127.0.0.1:9", seconds_max=1)
    with work() as uow:
        assert len(queries.locate(uow.session, "Csenyéte, Petőfi utca 3", gone)) == 1


def test_no_setting_means_no_geocoder():
    assert geocoder.from_url(None) is None
    assert geocoder.from_url("https://example.org/") is geocoder.from_url("https://example.org/")
