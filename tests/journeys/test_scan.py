"""The scan page in a real browser: nothing is lost, nothing is done twice, with and without a network."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import psycopg
import pytest
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
    assert phone.locator("#lines li[data-state=applied]").count() == 2


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
    phone.focus("#date-year")
    wedge(phone, plain)
    assert phone.is_hidden("#sheet") and phone.locator("#lines li").count() == 1
    phone.click("#keyboard")
    phone.fill("#typed", "L-2081")
    phone.wait_for_timeout(600)
    wedge(phone, plain)
    assert phone.locator("#lines li").count() == 2
    all_sent(phone)


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
