"""The page that is kept on the phone: it names nobody, its files are all there, its policy stays strict."""

from __future__ import annotations

import json
import re
from pathlib import Path

from app.floor.texts import WORDS
from app.stock.operations import KINDS
from app.stock.scanning import Doubt, Reason

STATIC = Path(__file__).resolve().parents[2] / "app/static"
SCRIPTS = sorted((STATIC / "js/scan").glob("*.js"))


def files_of(answer) -> list[str]:
    return json.loads(re.search(r"const FILES = (\[.*?\]);", answer.get_data(as_text=True))[1])


def test_the_page_is_the_same_for_everybody_and_names_nobody(phone, app, world):
    from tests.floor.conftest import Phone

    other = Phone(app)
    other.sign_in("warehouse_manager")
    pages = [each.get("/scan").get_data(as_text=True) for each in (phone, other)]
    assert pages[0] == pages[1]
    for secret in (phone.me()["person"]["name"], "csrf-token", phone.me()["csrf_token"], "AAA"):
        assert secret not in pages[0]


def test_the_page_runs_under_the_policy_of_all_pages_and_only_the_decoder_compiles(phone):
    page, decoder = phone.get("/scan"), phone.get("/scan/decoder.js")
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert "camera=(self)" in page.headers["Permissions-Policy"]
    assert decoder.headers["Content-Security-Policy"].count("unsafe") == 1
    assert "'wasm-unsafe-eval'" in decoder.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*(src=|application/json))", page.get_data(as_text=True))
    assert " style=" not in page.get_data(as_text=True)


def test_every_file_that_the_phone_keeps_is_there_without_a_sign_in(client):
    answer = client.get("/scan/sw.js")
    assert answer.status_code == 200 and answer.headers["Service-Worker-Allowed"] == "/scan"
    files = files_of(answer)
    for address in files:
        assert client.get(address).status_code == 200, address
    assert len(files) == len(set(files))


def test_all_that_the_page_and_its_scripts_load_is_kept(phone):
    kept = set(files_of(phone.get("/scan/sw.js")))
    page = phone.get("/scan").get_data(as_text=True)
    loaded = set(re.findall(r'(?:href|src)="(/[^"#]+)', page)) - {"/scan"}
    assert loaded <= kept, loaded - kept
    plain = {address.partition("?")[0] for address in kept}
    for script in SCRIPTS:
        if script.name == "sw.js":
            continue
        for name in re.findall(r'from "([^"]+)"', script.read_text()):
            base = Path("/static/js/scan") if script.name != "decoder.js" else Path("/scan")
            address = name if name.startswith("/") else str(base / name)
            while "/.." in address:
                address = re.sub(r"/[^/]+/\.\.", "", address, count=1)
            assert address in plain, f"{script.name} loads {name}"


def test_another_content_is_another_version(phone, tmp_path, monkeypatch):
    from app.floor import pages

    before = re.search(r'VERSION = "(\w+)"', phone.get("/scan/sw.js").get_data(as_text=True))[1]
    monkeypatch.setattr(pages, "FILES", pages.FILES[:-1])
    pages._digest.cache_clear()
    after = re.search(r'VERSION = "(\w+)"', phone.get("/scan/sw.js").get_data(as_text=True))[1]
    assert before != after


def test_the_app_can_be_installed(client):
    document = json.loads(client.get("/scan/app.webmanifest").data)
    assert document["start_url"] == document["scope"] == "/scan" and document["display"] == "standalone"
    sizes = {icon["sizes"] for icon in document["icons"]}
    assert {"192x192", "512x512"} <= sizes
    for icon in document["icons"]:
        picture = client.get(icon["src"])
        assert picture.data.startswith(b"\x89PNG") and picture.mimetype == "image/png"


def test_every_word_that_a_script_says_is_in_the_texts_and_every_text_is_said(app):
    scripts = "\n".join(path.read_text() for path in SCRIPTS)
    said = set(re.findall(r'\bsay\(\s*(?:\w+ \? )?"([a-z_0-9]+)"', scripts))
    said |= set(re.findall(r'\["([a-z_0-9]+)", (?:\{|facts)', scripts))
    said |= set(re.findall(r'\bword: "([a-z_0-9]+)"', scripts))
    told = set(WORDS) | {f"doubt_{doubt}" for doubt in Doubt} | {f"grammar_{reason}" for reason in Reason}
    assert said - told - set(KINDS) == set()
    # Names made of a part that varies: work_run, place_dock, waiting_load …
    made = re.compile(
        r"^(grammar|mode|hint|waiting|which|first|place|back|work|differs|stocktake|pin|date|camera|apart|off|new|why|way_new)_"
    )
    unsaid = {name for name in WORDS if f'"{name}"' not in scripts and not made.match(name)}
    assert unsaid == set()


def test_each_refusal_of_the_grammar_has_its_sentence_on_the_page(phone):
    page = phone.get("/scan").get_data(as_text=True)
    texts = json.loads(re.search(r'id="config">(.*?)</script>', page, re.DOTALL)[1])["texts"]
    assert {f"grammar_{reason}" for reason in Reason} <= set(texts)
