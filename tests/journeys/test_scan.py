"""The scan page in a real browser: nothing is lost, nothing is done twice, with and without a network."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.request
from typing import Any

import numpy as np
import psycopg
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Error as PageGone

from tests.conftest import CHROMIUM, FLAGS
from tests.journeys.test_look import AXE, FIND, RULES

PACK = """(tracked) => { for (const [gtin, pack] of scanPage.reference.packs)
    if (pack.item.tracked === tracked && pack.quantity > 1) return [gtin, pack.item.id, pack.quantity]; }"""


KEYS = """(keys) => { for (const key of keys) {
    const event = new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true});
    const field = document.activeElement;
    const typed = key.length === 1 && field instanceof HTMLInputElement;
    if ((field ?? document.body).dispatchEvent(event) && typed) {
        field.value += key;
        field.dispatchEvent(new Event("input", {bubbles: true}));
    } } }"""
"""Keys as a scanner sends them, from inside the page: from outside, a busy machine stretches them to human speed."""


@pytest.fixture
def phone(sign_in: Any) -> Any:
    """The page of a worker, ready for the first code."""
    page = sign_in("worker", phone=True)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    open_page(page)
    yield page
    assert page.errors == []


def until(page: Any, what: str, arg: Any = None, seconds_max: float = 20) -> None:
    """Wait until an expression is true; the page's policy forbids Playwright's own waiting, which compiles text."""
    end = time.monotonic() + seconds_max
    while time.monotonic() < end:
        with contextlib.suppress(PageGone):
            if page.evaluate(what, arg):
                return
        page.wait_for_timeout(50)
    raise AssertionError(f"not in {seconds_max} s: {what}; {page.inner_text('body')[:600]}")


def open_page(page: Any) -> None:
    page.goto("/scan")
    until(page, "Boolean(window.scanPage?.reference.known && navigator.serviceWorker.controller)", seconds_max=60)


def wedge(page: Any, code: str) -> None:
    """Send the keys of a scanner in one go, and wait until the page has answered."""
    before = page.evaluate("Number(document.documentElement.dataset.answered ?? 0)")
    page.evaluate(KEYS, [*code, "Enter"])
    until(page, "(n) => Number(document.documentElement.dataset.answered ?? 0) > n", arg=before)


def verdict(page: Any) -> str:
    return str(page.inner_text("#verdict")).replace("\n", " · ")


def all_sent(page: Any) -> None:
    until(page, "scanPage.store.waiting().then((n) => n === 0)")


def receive(page: Any) -> None:
    page.click("text=Receive >> nth=0")
    page.wait_for_selector("#work:not([hidden]), #sheet:not([hidden])")
    if page.is_visible("#sheet"):
        page.click("text=Unannounced")
    page.wait_for_selector("#work:not([hidden])")


def received(house: Any, item_id: int) -> list[int]:
    """Return the quantities of all receiving movements of an item that operations of phones made."""
    with psycopg.connect(house.env["DATABASE_URL"]) as database:
        database.execute("SELECT set_config('app.office', 'stock', false)")
        rows = database.execute(
            "SELECT movement.quantity FROM movement JOIN lot ON lot.id = movement.lot_id "
            "JOIN operation ON operation.id = movement.operation_id "
            "WHERE lot.item_id = %s AND movement.kind = 'receive' ORDER BY movement.id",
            [item_id],
        ).fetchall()
    return [row[0] for row in rows]


def test_packs_are_received_by_a_scanner_without_a_dialog_each_and_taken_back(phone, house):
    receive(phone)
    gtin, item_id, size = phone.evaluate(PACK, False)
    before = received(house, item_id)
    wedge(phone, gtin)
    assert f"+{size}" in verdict(phone)
    wedge(phone, f"3x{gtin}")
    wedge(phone, gtin)
    assert f"+{size}" in verdict(phone), "the multiplier counts for one scan"
    phone.click("#lines .undo >> nth=0")
    phone.wait_for_selector("#lines li.undone")
    all_sent(phone)
    assert received(house, item_id)[len(before) :] == [size, 3 * size, size]
    phone.click("text=Redo")
    until(phone, "(n) => scanPage.lines.filter((line) => line.kind === 'receive').length === n", arg=4)
    phone.click("#done")
    all_sent(phone)
    until(phone, "scanPage.lines.some((line) => line.result?.voucher)")
    note = phone.evaluate("scanPage.lines.find((line) => line.result?.voucher).result")
    assert note["voucher"].startswith("BEV/") and note["lines"] == 3


def test_a_dated_item_asks_once_and_the_next_pack_of_it_does_not(phone):
    receive(phone)
    gtin, _item, size = phone.evaluate(PACK, True)
    wedge(phone, gtin)
    phone.wait_for_selector("#date-year")
    for part, value in (("year", "28"), ("month", "2"), ("day", "30")):
        phone.fill(f"#date-{part}", value)
    phone.click("text=Take in")
    assert "no such day" in phone.inner_text(".field-wrong")
    phone.fill("#date-day", "29")
    phone.click("text=Take in")
    phone.wait_for_selector("#lines li")
    assert "29 Feb 2028" in verdict(phone)
    wedge(phone, gtin)
    assert f"+{size}" in verdict(phone) and phone.is_hidden("#sheet")
    all_sent(phone)
    until(phone, "document.querySelectorAll('#lines li[data-state=applied]').length === 2")


def test_what_has_expired_goes_to_quarantine_or_nowhere(phone):
    receive(phone)
    gtin, *_ = phone.evaluate(PACK, True)
    wedge(phone, f"(01){gtin}(15)240131")
    assert "Not taken in: expired" in verdict(phone)
    assert "Nothing was changed" in phone.inner_text("#ways")
    assert phone.locator("#lines li").count() == 0
    phone.click("text=To quarantine")
    phone.wait_for_selector("#lines li")
    assert "quarantine" in verdict(phone).lower()
    all_sent(phone)
    assert phone.locator("#lines li[data-state=applied]").count() == 1


def test_a_barcode_that_nobody_knows_is_learnt_once(phone):
    receive(phone)
    wedge(phone, "5999000412300")
    phone.wait_for_selector("#what")
    phone.fill("#what", "nappies")
    if not phone.locator(".pick-one button").count():
        phone.fill("#what", "soap")
    phone.click(".pick-one button >> nth=0")
    phone.fill("#pack-size", "44")
    phone.click("text=Save and take in")
    until(phone, "scanPage.lines.length >= 1")
    if phone.is_visible("#date-year"):
        for part, value in (("year", "2029"), ("month", "1"), ("day", "1")):
            phone.fill(f"#date-{part}", value)
        phone.click("text=Take in")
    until(phone, "scanPage.lines.length >= 2")
    assert "+44" in verdict(phone)
    wedge(phone, "5999000412300")
    assert "+44" in verdict(phone)
    all_sent(phone)
    states = phone.evaluate("scanPage.lines.map((line) => line.state)")
    assert states == ["applied"] * 3


def test_without_a_network_scans_survive_a_reload_and_arrive_exactly_once(phone, house):
    receive(phone)
    gtin, item_id, size = phone.evaluate(PACK, False)
    before = received(house, item_id)
    wedge(phone, gtin)
    all_sent(phone)
    phone.context.set_offline(True)
    for _ in range(3):
        wedge(phone, gtin)
    assert phone.inner_text("#sent").strip() == "3 not sent"
    phone.wait_for_selector(".strip-offline")
    phone.reload()
    phone.wait_for_selector("#work:not([hidden])")
    until(phone, "window.scanPage?.waiting === 3")
    wedge(phone, gtin)
    wedge(phone, "7x" + gtin)
    assert phone.locator("#lines li[data-state=queued]").count() == 4
    with phone.context.new_page() as other:
        other.goto("/scan")
        until(other, "window.scanPage?.waiting === 5")
        # Both tabs come back at once: the lock lets one of them send.
        phone.context.set_offline(False)
        all_sent(phone)
        all_sent(other)
    assert received(house, item_id)[len(before) :] == [size] * 5 + [7 * size]
    until(phone, "document.querySelector('#sent').innerText.includes('All sent')")


def test_without_a_network_the_page_opens_after_the_phone_was_restarted(browser, house, tmp_path):
    def start() -> Any:
        return browser.browser_type.launch_persistent_context(
            str(tmp_path),
            executable_path=CHROMIUM,
            args=FLAGS,
            base_url=house.url,
            viewport={"width": 390, "height": 844},
        )

    with start() as context:
        page = context.pages[0]
        sign_in_here(page, house, "worker")
        until(page, "Boolean(navigator.serviceWorker.controller)", seconds_max=60)
        receive(page)
        gtin, item_id, size = page.evaluate(PACK, False)
        before = received(house, item_id)
        context.set_offline(True)
        wedge(page, gtin)
        assert f"+{size}" in verdict(page)
        cookies = context.cookies()
    with start() as context:
        context.set_offline(True)
        page = context.pages[0]
        page.goto("/scan")
        until(page, "window.scanPage?.waiting === 1")
        page.wait_for_selector("#work:not([hidden])")
        wedge(page, gtin)
        assert f"+{size}" in verdict(page)
        # The browser may have found the network for a moment while it closed; then the first is sent a second time.
        assert page.evaluate("scanPage.store.waiting()") == 2
        context.add_cookies(cookies)
        context.set_offline(False)
        all_sent(page)
        assert page.evaluate("scanPage.lines.map((line) => [line.state, line.told])") == [["applied", None]] * 2
    assert received(house, item_id)[len(before) :] == [size, size]


def test_an_answer_that_is_lost_on_the_way_is_asked_for_again_and_acts_once(phone, house):
    receive(phone)
    gtin, item_id, size = phone.evaluate(PACK, False)
    before = received(house, item_id)
    lost = []

    def lose(route: Any) -> None:
        if not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    phone.context.route("**/api/v1/operations", lose)
    wedge(phone, gtin)
    all_sent(phone)
    assert lost == [200]
    assert received(house, item_id)[len(before) :] == [size]
    assert phone.locator("#lines li[data-state=applied]").count() == 1


def test_what_is_moved_goes_from_place_to_place_and_too_much_changes_nothing(phone):
    receive(phone)
    gtin, item_id, size = phone.evaluate(PACK, False)
    wedge(phone, "2x" + gtin)
    all_sent(phone)
    phone.click("#back")
    phone.click("text=Put away, move")
    dock, shelf = phone.evaluate("""() => ["dock", "shelf"].map((kind) => scanPage.reference.placeOfKind(kind).code)""")
    until(
        phone,
        "([item, place]) => scanPage.reference.rowsOf({item, place: scanPage.reference.placeByCode(place).id})"
        ".some((row) => row.lot)",
        arg=[item_id, dock],
    )
    wedge(phone, dock)
    wedge(phone, gtin)
    assert "Now scan where it goes" in verdict(phone)
    wedge(phone, shelf)
    assert shelf in verdict(phone)
    wedge(phone, "999x" + gtin)
    assert "Not moved" in verdict(phone) and "Nothing was changed" in phone.inner_text("#ways")
    all_sent(phone)
    assert phone.evaluate("scanPage.lines.filter((l) => l.kind === 'put_away').map((l) => [l.state, l.quantity])") == [
        ["applied", size]
    ]


def test_a_misread_code_changes_nothing_and_offers_two_ways_on(phone):
    receive(phone)
    wedge(phone, "5999000412309")
    assert "Misread" in verdict(phone)
    assert phone.locator("#ways button").count() == 2
    assert phone.locator("#lines li").count() == 0


def test_a_scanner_works_on_any_field_and_leaves_what_people_typed(phone):
    receive(phone)
    dated, plain = phone.evaluate(PACK, True)[0], phone.evaluate(PACK, False)[0]
    wedge(phone, dated)
    phone.wait_for_selector("#date-year")
    phone.fill("#date-year", "27")
    phone.focus("#date-year")
    wedge(phone, "12345")
    assert phone.input_value("#date-year") == "27" and "not known" in phone.inner_text(".ask-remark")
    wedge(phone, dated)
    phone.wait_for_selector(".ask-remark:has-text('Not taken in')")
    wedge(phone, plain)
    assert phone.is_hidden("#sheet") and phone.locator("#lines li").count() == 1
    assert "Not taken in" in verdict(phone), "the pack that was asked about is not in the books"
    phone.click("#keyboard")
    phone.fill("#typed", "L-2081")
    phone.wait_for_timeout(600)
    wedge(phone, plain)
    assert phone.locator("#lines li").count() == 2
    all_sent(phone)


def test_a_scan_while_the_paper_is_asked_is_for_the_work_that_was_chosen(phone):
    # What the phone knows is put there: a stocktake that is open, as the warehouse's list would have it.
    phone.evaluate("scanPage.reference.stocktakes.set(99, {id: 99, code: 'LEL-99', state: 'counting', places: []})")
    phone.click("text=Count >> nth=0")
    phone.wait_for_selector("#sheet:not([hidden])")
    wedge(phone, phone.evaluate("[...scanPage.reference.places.values()].find((each) => each.kind === 'shelf').code"))
    assert phone.evaluate("scanPage.state.mode") == "count" and phone.is_hidden("#sheet")


def test_a_full_phone_is_told_before_the_scan_is_accepted(sign_in, house):
    page = sign_in("worker", phone=True)
    page.add_init_script(
        "navigator.storage.estimate = async () => ({quota: 1e9, usage: 1e9 - (window.room ?? 4 * 1024 * 1024)})"
    )
    open_page(page)
    receive(page)
    gtin, item_id, _size = page.evaluate(PACK, False)
    before = received(house, item_id)
    page.wait_for_selector("text=nearly full")
    page.evaluate("window.room = 1000")
    wedge(page, gtin)
    assert "the phone is full" in verdict(page)
    assert page.evaluate("scanPage.store.waiting()") == 0
    page.evaluate("window.room = 4 * 1024 * 1024")
    page.evaluate(
        """() => { scanPage.store.add = async () => { throw new DOMException("no room", "QuotaExceededError"); }; }"""
    )
    wedge(page, gtin)
    assert "could not store it" in verdict(page)
    assert page.locator("#lines li").count() == 0
    assert received(house, item_id) == before


def test_a_session_that_ended_keeps_the_queue_until_its_owner_signs_in(phone, house):
    receive(phone)
    gtin, item_id, size = phone.evaluate(PACK, False)
    before = received(house, item_id)
    phone.context.clear_cookies()
    wedge(phone, gtin)
    phone.wait_for_selector("text=Sign in again; nothing is lost")
    wedge(phone, gtin)
    assert phone.inner_text("#sent").strip() == "2 not sent"
    sign_in_here(phone, house, "manager")
    phone.wait_for_selector("text=sent when they sign in here")
    assert received(house, item_id) == before, "what one person scanned is not sent as another's"
    phone.context.clear_cookies()
    sign_in_here(phone, house, "worker")
    all_sent(phone)
    assert received(house, item_id)[len(before) :] == [size, size]


def sign_in_here(page: Any, house: Any, who: str) -> None:
    account = house.accounts[who]
    page.goto("/sign-in?next=/scan&lang=en")
    page.fill("input[name=email]", account["email"])
    page.fill("input[name=password]", account["password"])
    page.press("input[name=password]", "Enter")
    until(page, "Boolean(window.scanPage?.reference.known)")


def press(page: Any, pin: str) -> None:
    for digit in pin:
        page.click(f".pin-keys button:text-is('{digit}')")
    page.click(".pin-go")


def test_a_phone_that_is_a_scanner_locks_itself_and_five_wrong_pins_sign_it_out(phone, house):
    receive(phone)
    gtin, item_id, size = phone.evaluate(PACK, False)
    before = received(house, item_id)
    phone.click("#sent")
    phone.click("text=This phone is a scanner")
    press(phone, "1234")
    phone.wait_for_selector("text=Too easy to guess")
    press(phone, "1379")
    phone.wait_for_selector("text=Once more")
    press(phone, "1379")
    phone.wait_for_selector("text=No longer a scanner")
    phone.click("#sheet .foot button")
    phone.context.set_offline(True)
    wedge(phone, gtin)
    phone.evaluate("scanPage.lock.kept.touched = Date.now() - 5 * 60 * 1000 - 1; 0")
    phone.wait_for_selector("#locked .pin-keys", timeout=15_000)
    assert phone.is_hidden("#work")
    phone.keyboard.type(gtin)
    phone.keyboard.press("Enter")
    assert phone.evaluate("scanPage.waiting") == 1, "nothing is scanned behind a lock"
    phone.reload()
    phone.wait_for_selector("#locked .pin-keys")
    press(phone, "1379")
    phone.wait_for_selector("#work:not([hidden])")
    phone.evaluate("scanPage.lock.kept.touched = 0")
    phone.wait_for_selector("#locked .pin-keys", timeout=15_000)
    for left in (4, 3, 2, 1):
        press(phone, "9999")
        phone.wait_for_selector(f"text=Tries left: {left}")
    press(phone, "9999")
    phone.wait_for_selector("text=Signed out of this phone")
    phone.context.set_offline(False)
    until(
        phone,
        "fetch('/api/v1/floor/me', {headers: {'X-Requested-With': 'fetch'}}).then((a) => a.status === 401)",
    )
    assert received(house, item_id) == before
    sign_in_here(phone, house, "worker")
    all_sent(phone)
    assert received(house, item_id)[len(before) :] == [size]


def asked(house: Any, who: str, path: str, body: Any = None) -> Any:
    """Ask the API as somebody, with their token."""
    request = urllib.request.Request(
        f"{house.url}/api/v1{path}", headers={"Authorization": f"Bearer {house.token(who)}"}
    )
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def stocked(page: Any, packs: int = 3) -> tuple[str, int, str]:
    """Receive some packs onto the dock; return their barcode, how many pieces each is, and the dock's code."""
    receive(page)
    gtin, item_id, size = page.evaluate(PACK, False)
    wedge(page, f"{packs}x{gtin}")
    all_sent(page)
    page.click("#done")
    dock = page.evaluate("scanPage.reference.placeOfKind('dock').code")
    until(
        page,
        "([item, dock]) => scanPage.reference.rowsOf({item, place: scanPage.reference.placeByCode(dock).id})"
        ".some((row) => row.lot)",
        arg=[item_id, dock],
    )
    all_sent(page)
    return gtin, size, dock


def lines_of(page: Any, kind: str) -> list[Any]:
    return list(page.evaluate("(kind) => scanPage.lines.filter((line) => line.kind === kind)", kind))


def test_a_box_is_opened_filled_and_closed_without_a_network_and_each_line_taken_back(phone, house, shoot):
    gtin, size, dock = stocked(phone)
    phone.click(".work-tile >> nth=1")
    wedge(phone, dock)
    phone.context.set_offline(True)
    phone.click("text=New box")
    phone.wait_for_selector("text=Close the box")
    shoot(phone, "scan-box-new")
    wedge(phone, gtin)
    assert "To new 1" in verdict(phone)
    wedge(phone, gtin)
    phone.reload()
    until(phone, "scanPage.state?.mode === 'move'")
    wedge(phone, gtin)
    phone.click("#lines .undo >> nth=0")
    phone.wait_for_selector("#lines li.undone")
    phone.click("text=Close the box")
    until(phone, "scanPage.lines.some((line) => line.kind === 'close_box')")
    assert phone.evaluate("scanPage.waiting") == 6
    phone.context.set_offline(False)
    all_sent(phone)
    until(phone, "scanPage.lines.every((line) => line.state === 'applied')")
    shoot(phone, "scan-box-closed")
    [opened] = lines_of(phone, "open_box")
    tree = asked(house, "worker", f"/boxes/{opened['result']['box_id']}")
    assert (tree["state"], tree["pieces"]) == ("closed", 2 * size)
    # The box is known by its number now, and goes on under it.
    until(phone, "(sscc) => scanPage.reference.boxes.has(sscc)", arg=opened["result"]["sscc"])
    wedge(phone, opened["result"]["sscc"])
    assert "where to" in verdict(phone)
    shelf = phone.evaluate("scanPage.reference.placeOfKind('shelf').code")
    wedge(phone, shelf)
    all_sent(phone)
    assert lines_of(phone, "move_box")[0]["state"] == "applied"


def test_a_pallet_that_nobody_has_scanned_is_asked_about_and_taken_in_under_its_senders_number(phone, house, shoot):
    receive(phone)
    gtin, _item, size = phone.evaluate(PACK, False)
    wedge(phone, "395011015300000028")
    assert "Nobody has scanned this box yet" in verdict(phone)
    shoot(phone, "scan-box-unknown")
    phone.click("#ways >> text=New pallet")
    wedge(phone, gtin)
    all_sent(phone)
    [opened] = lines_of(phone, "open_box")
    assert opened["result"]["sscc"] == "395011015300000028"
    tree = asked(house, "worker", f"/boxes/{opened['result']['box_id']}")
    assert (tree["kind"], tree["pieces"]) == ("pallet", size)
    phone.click("#done")
    until(phone, "scanPage.lines.some((line) => line.result?.voucher)")


def test_a_place_of_a_stocktake_is_counted_and_the_next_is_empty(sign_in, house, shoot):
    page = sign_in("worker", phone=True)
    open_page(page)
    places = page.evaluate(
        "[...scanPage.reference.places.values()].filter((p) => p.kind === 'shelf').slice(-2).map((p) => [p.id, p.code])"
    )
    warehouse = page.evaluate("scanPage.reference.warehouse.id")
    body = {"warehouse_id": warehouse, "place_ids": [place for place, _ in places]}
    made = asked(house, "manager", "/stocktakes", body)
    page.reload()
    until(page, "(id) => scanPage.reference?.stocktakes.has(id)", arg=made["id"])
    wedge(page, f"LEL-{made['id']}")
    wedge(page, places[0][1])
    page.wait_for_selector("text=Nothing is here")
    shoot(page, "scan-count-nothing")
    wedge(page, page.evaluate(PACK, False)[0])
    page.click("text=This place is counted")
    assert "missing from then on" in verdict(page)
    shoot(page, "scan-count-sure")
    page.context.set_offline(True)
    page.click("text=Yes, all of it")
    until(page, "scanPage.lines.some((line) => line.kind === 'place_counted')")
    assert "Places left: 1" in verdict(page)
    wedge(page, places[1][1])
    page.click("text=Nothing is here")
    page.click("text=Yes, nothing is here")
    until(page, "scanPage.lines.some((line) => line.kind === 'count_place_empty')")
    assert "All places are counted" in verdict(page)
    page.context.set_offline(False)
    all_sent(page)
    assert page.evaluate("scanPage.lines.map((line) => [line.kind, line.state, line.told])") == [
        ["count_place_empty", "applied", None],
        ["place_counted", "applied", None],
        ["count", "applied", None],
    ]


def test_a_write_off_is_proposed_without_a_network_and_its_photo_follows(phone, house, shoot, tmp_path):
    gtin, size, dock = stocked(phone)
    picture = tmp_path / "torn.png"
    Image.new("RGB", (2400, 1800), "#a05020").save(picture)
    phone.click("text=Propose a write-off")
    wedge(phone, dock)
    phone.context.set_offline(True)
    wedge(phone, gtin)
    assert phone.locator("#ways button").count() == 6
    shoot(phone, "scan-write-off-why")
    phone.click("#ways >> text=Damaged")
    with phone.expect_file_chooser() as chooser:
        phone.click("text=Take a photo of it")
    chooser.value.set_files(picture)
    phone.wait_for_selector("text=The photo is kept")
    shoot(phone, "scan-write-off-photo")
    assert phone.evaluate("scanPage.waiting") == 2, "a photo that waits is told too"
    wedge(phone, gtin)
    phone.click("#ways >> text=Spoiled")
    until(phone, "scanPage.lines.filter((line) => line.kind === 'propose_write_off').length === 2")
    phone.click("#lines .undo >> nth=0")
    phone.context.set_offline(False)
    all_sent(phone)
    until(phone, "scanPage.waiting === 0")
    kept, withdrawn = None, None
    for line in lines_of(phone, "propose_write_off"):
        sheet = asked(house, "worker", f"/write-offs/{line['result']['write_off_id']}")
        kept, withdrawn = (sheet, withdrawn) if sheet["state"] == "proposed" else (kept, sheet)
    assert (kept["reason"], kept["lines"][0]["quantity"], len(kept["photo_ids"])) == ("damaged", size, 1)
    assert (withdrawn["state"], withdrawn["photo_ids"]) == ("withdrawn", [])


def test_where_several_lots_lie_the_lot_is_asked_and_typed_twins_are_compared(phone, shoot):
    receive(phone)
    gtin, _item, _size = phone.evaluate(PACK, True)
    for lot in ("KA11", "ZB77"):
        wedge(phone, f"(01){gtin}(15)290131(10){lot}")
    assert "new lot number" in verdict(phone)
    shoot(phone, "scan-lot-new")
    wedge(phone, f"(01){gtin}(15)290131(10)KA1")
    assert "Lot number: KA1?" in verdict(phone) and "almost the same" in verdict(phone)
    shoot(phone, "scan-lot-doubt")
    phone.click("text=Scan again")
    all_sent(phone)
    phone.click("#done")
    phone.click("text=Put away, move")
    dock = phone.evaluate("scanPage.reference.placeOfKind('dock').code")
    wedge(phone, dock)
    wedge(phone, gtin)
    assert "which lot" in verdict(phone)
    shoot(phone, "scan-lot-which")
    phone.click("#ways >> text=ZB77")
    assert "Now scan where it goes" in verdict(phone)


def test_without_a_secure_address_photos_typing_and_scanners_work_and_nothing_is_promised_that_cannot_be(
    sign_in, house, shoot, tmp_path
):
    """A phone that reaches the house by its bare address in the hall: no camera, no service worker, no PIN."""
    page = sign_in("worker", phone=True)
    plain = "http://hall.test"
    page.context.add_cookies(
        [{"name": each["name"], "value": each["value"], "url": plain} for each in page.context.cookies()]
    )

    def carry(route: Any) -> None:
        headers = {**route.request.headers, "origin": house.url, "referer": house.url}
        with contextlib.suppress(PageGone):
            answer = route.fetch(url=route.request.url.replace(plain, house.url), headers=headers)
            route.fulfill(status=answer.status, headers=answer.headers, body=answer.body())

    page.route(f"{plain}/**", carry)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(f"{plain}/scan")
    until(page, "Boolean(window.scanPage?.reference.known)", seconds_max=60)
    assert page.evaluate("isSecureContext") is False
    receive(page)
    assert "secure address" in page.inner_text("#lens-says")
    shoot(page, "scan-insecure")
    gtin, _item, size = page.evaluate(PACK, False)
    wedge(page, gtin)
    page.click("#keyboard")
    page.fill("#typed", f"2x{gtin}")
    page.press("#typed", "Enter")
    until(page, "scanPage.lines.length === 2")
    picture = tmp_path / "label.png"
    symbol(gtin).save(picture)
    page.click("#keyboard")
    page.set_input_files("#photo", picture)
    until(page, "scanPage.lines.length === 3")
    all_sent(page)
    assert page.evaluate("scanPage.lines.map((line) => [line.state, line.quantity])") == [
        ["applied", size],
        ["applied", 2 * size],
        ["applied", size],
    ]
    page.click("#sent")
    page.wait_for_selector("#sheet:not([hidden])")
    assert "A PIN needs a secure address" in page.inner_text("#sheet")
    assert page.locator("text=set a PIN").count() == 0
    assert page.errors == []


def symbol(gtin: str) -> Image.Image:
    """Return a picture of a product's number in bars, with quiet space around it."""
    code = zxingcpp.create_barcode(gtin, zxingcpp.BarcodeFormat.Code128)
    drawn = Image.fromarray(np.array(zxingcpp.write_barcode_to_image(code, scale=4)))
    made = Image.new("L", (drawn.width + 200, drawn.height + 200), 255)
    made.paste(drawn, (100, 100))
    return made


@pytest.mark.parametrize("language", ["en", "hu"])
def test_the_page_reads_well_and_fits(language, sign_in, shoot):
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: run scripts/assets")
    page = sign_in("worker", phone=True, language=language)
    open_page(page)
    wrong: list[str] = []

    def look(name: str) -> None:
        page.wait_for_timeout(250)
        shoot(page, f"scan-{language}-{name}")
        page.evaluate(f"{AXE.read_text()}; 0")
        wrong.extend(f"{name}: {each}" for each in page.evaluate(FIND, RULES))
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(f"{name}: scrolls sideways")

    look("start")
    page.click(".work-tile >> nth=0")
    if page.is_visible("#sheet"):
        look("which")
        page.click("#sheet .foot .btn-do")
    page.wait_for_selector("#work:not([hidden])")
    look("ready")
    wedge(page, page.evaluate(PACK, False)[0])
    all_sent(page)
    look("good")
    page.click("#lines .undo >> nth=0")
    page.wait_for_selector("#lines li.undone")
    wedge(page, "5999000412309")
    look("refused")
    wedge(page, page.evaluate(PACK, True)[0])
    look("expiry")
    page.keyboard.press("Escape")
    wedge(page, "5999000412317")
    look("learn")
    page.keyboard.press("Escape")
    for name, button in (
        ("typing", "#keyboard"),
        ("number", "#times button:last-child"),
        ("lines", "#all-lines"),
        ("phone", "#sent"),
    ):
        page.click(button)
        look(name)
        page.keyboard.press("Escape")
    page.set_viewport_size({"width": 1440, "height": 900})
    look("wide")
    assert wrong == []
