"""From a signal to a signed hand-over: the main job, walked once by the people who do it, in a real browser."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from typing import Any

import pytest

from app.planning import audit, formats

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def ask(house: Any, who: str, path: str) -> Any:
    """Ask the API as a program would."""
    request = urllib.request.Request(f"{house.url}{path}", headers={"Authorization": f"Bearer {house.token(who)}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def until(look: Any, seconds_max: float = 240) -> Any:
    """Look again and again until there is something to see."""
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"nothing to see after {seconds_max} s")


def choose_thing(page: Any, row: int, name: str) -> None:
    """Tap its tile; what has no tile is chosen from the list below."""
    tile = page.locator("label.tile:has(input[name=item])", has_text=name)
    if tile.count():
        tile.first.click()
        return
    option = page.locator(f"select[name=other-{row}] option", has_text=name).first
    page.select_option(f"select[name=other-{row}]", value=option.get_attribute("value"))
    assert int(page.input_value(f"input[name=quantity-other-{row}]")) > 0, "the usual quantity is filled in"


def sign_with_mouse(page: Any) -> None:
    canvas = page.locator("[data-kind=signature] canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 40)
    page.mouse.down()
    for step in range(1, 12):
        page.mouse.move(box["x"] + 20 + step * 12, box["y"] + 40 + (step % 3) * 15)
    page.mouse.up()


def test_from_a_signal_to_a_signed_hand_over(house, sign_in, shoot):
    # The partner reports a household in Csenyéte.
    partner = sign_in("partner", phone=True)
    partner.goto("/signals/new")
    place = partner.locator("input[name=settlement_id_text]")
    place.press_sequentially("csenyete", delay=30)
    partner.locator("[role=option]", has_text="Csenyéte").first.wait_for()
    place.press("ArrowDown")
    place.press("Enter")
    partner.fill("input[name=age_0_1]", "1")
    partner.fill("input[name=age_18_64]", "2")
    partner.locator("details.others > summary").click()
    choose_thing(partner, 0, "Blanket, double")
    choose_thing(partner, 1, "Wheat flour, 1 kg")
    choose_thing(partner, 2, "formula")
    partner.locator("button.btn-send").click()
    partner.wait_for_url("**/sent**")
    shoot(partner, "1-signal-sent")
    signal_id = int(re.search(r"/signals/(\d+)/", partner.url)[1])

    # The coordinator confirms it: a household and its needs are there.
    coordinator = sign_in("coordinator")
    coordinator.goto(f"/signals/{signal_id}")
    coordinator.get_by_role("button", name="Confirm").click()
    coordinator.wait_for_load_state("networkidle")
    shoot(coordinator, "2-signal-confirmed")
    signal = ask(house, "coordinator", f"/api/v1/signals/{signal_id}")
    assert signal["state"] == "confirmed"
    household_id = signal["household_id"]

    # … runs the allocation over the whole country, reads why, and approves.
    coordinator.goto("/allocation")
    coordinator.get_by_role("button", name="New proposal").click()
    run = until(lambda: _proposed(house))
    coordinator.goto(f"/allocation/{run['id']}?tab=gets")
    shoot(coordinator, "3-allocation")
    shares = [
        share
        for need in _needs_of(house, household_id)
        for share in ask(house, "coordinator", f"/api/v1/needs/{need['id']}/shares")["shares"]
    ]
    assert shares, "the household gets something of what it needs"
    assert all(share["reasons"] for share in shares), "every share says why"
    coordinator.goto(f"/allocation/{run['id']}/approve")
    coordinator.locator("form button.btn-do").click()
    until(lambda: _packed(house, household_id))

    # The dispatcher plans, stops the search when it is good enough, and publishes.
    dispatcher = sign_in("dispatcher")
    dispatcher.goto("/plans")
    dispatcher.locator("form.plan-start button").click()
    dispatcher.wait_for_url("**/plans/*")
    plan_id = int(dispatcher.url.rstrip("/").split("/")[-1].split("?")[0])
    until(lambda: ask(house, "dispatcher", f"/api/v1/plans/{plan_id}")["figures"].get("served"))
    dispatcher.goto(f"/plans/{plan_id}")
    stop = dispatcher.get_by_role("button", name=re.compile("Stop"))
    if stop.count():
        stop.first.click()
    plan = until(lambda: _drafted(house, plan_id))
    dispatcher.goto(f"/plans/{plan_id}")
    dispatcher.wait_for_load_state("networkidle")
    shoot(dispatcher, "4-plan")
    exported = ask(house, "dispatcher", f"/api/v1/plans/{plan_id}/export")
    problem, answer = formats.problem_from_json(exported["problem"]), formats.plan_from_json(exported["plan"])
    assert audit.check(problem, answer) == [], "anybody who recomputes the plan finds it right"
    assert plan["figures"]["served"] == sum(len(route.visits) for route in answer.routes) > 0
    left_out = ask(house, "dispatcher", f"/api/v1/plans/{plan_id}/unserved")["items"]
    assert all(each["reason"] for each in left_out), "every stop left out says why"
    dispatcher.goto(f"/plans/{plan_id}/publish")
    dispatcher.locator("button.btn-do").last.click()
    runs = until(lambda: _published(house, plan_id))

    # One run of the Miskolc warehouse is given to the demo driver.
    mine = next(each for each in runs if len(ask(house, "dispatcher", f"/api/v1/runs/{each['id']}")["stops"]) >= 2)
    dispatcher.goto(f"/runs/{mine['id']}")
    dispatcher.get_by_text("Another driver…").click()
    name = house.accounts["driver"]["name"]
    dispatcher.select_option("select[name=driver_id]", label=name)
    dispatcher.get_by_role("button", name="Change the driver").click()
    dispatcher.wait_for_load_state("networkidle")

    # The warehouse worker loads it, last stop first.
    worker = sign_in("worker", phone=True)
    worker.goto(f"/runs/{mine['id']}/loading")
    shoot(worker, "5-loading")
    while worker.locator(".load-row.next button").count():
        worker.locator(".load-row.next button").first.click()
        worker.wait_for_load_state("networkidle")
    worker.get_by_role("button", name="All loaded, it may leave").click()
    worker.wait_for_load_state("networkidle")

    # The driver hands over with a signature; one household refuses.
    driver = sign_in("driver", phone=True)
    for number, address in enumerate(_hand_overs(driver, house, mine["id"])):
        if number == 1:
            driver.goto(address.replace("hand-over", "fail"))
            driver.locator("label", has=driver.locator("input[value=refused]")).click()
            driver.locator("button[form=failure]").click()
        else:
            driver.goto(address)
            driver.locator("label", has=driver.locator("input[value=signature]")).click()
            sign_with_mouse(driver)
            if number == 0:
                shoot(driver, "6-signature")
            driver.locator("button[form=proof]").click()
        driver.wait_for_load_state("networkidle")
    driver.goto(f"/runs/{mine['id']}/return")
    driver.locator("button.btn-do").last.click()
    driver.wait_for_load_state("networkidle")
    driver.goto(f"/runs/{mine['id']}/return")
    driver.get_by_role("button", name="Close the run").click()
    driver.wait_for_load_state("networkidle")
    assert ask(house, "dispatcher", f"/api/v1/runs/{mine['id']}")["state"] == "closed"

    # The ledger says: difference 0. Everything is in the journal.
    auditor = sign_in("auditor")
    auditor.goto("/stock/ledger")
    auditor.get_by_role("button", name="Prove now").click()
    auditor.wait_for_load_state("networkidle")
    until(lambda: _proved(auditor))
    shoot(auditor, "7-ledger")
    deeds = {entry["deed"] for entry in ask(house, "auditor", "/api/v1/journal?size=200")["items"]}
    assert {"run.closed", "parcel.handed_over"} <= deeds


def _proposed(house: Any) -> Any:
    runs = ask(house, "coordinator", "/api/v1/allocation-runs")["items"]
    return runs[0] if runs and runs[0]["state"] == "proposed" else None


def _needs_of(house: Any, household_id: int) -> list[Any]:
    found: list[Any] = ask(house, "coordinator", f"/api/v1/needs?view=all&q=H-{household_id}")["items"]
    return [need for need in found if need["household_id"] == household_id]


def _packed(house: Any, household_id: int) -> bool:
    needs = _needs_of(house, household_id)
    shares = [
        share for need in needs for share in ask(house, "coordinator", f"/api/v1/needs/{need['id']}/shares")["shares"]
    ]
    return bool(shares) and all(share["state"] == "packed" for share in shares)


def _drafted(house: Any, plan_id: int) -> Any:
    plan = ask(house, "dispatcher", f"/api/v1/plans/{plan_id}")
    assert plan["state"] not in ("failed", "superseded"), plan
    return plan if plan["state"] == "draft" else None


def _published(house: Any, plan_id: int) -> list[Any]:
    plan = ask(house, "dispatcher", f"/api/v1/plans/{plan_id}")
    if plan["state"] != "published":
        return []
    warehouse_id = ask(house, "worker", "/api/v1/warehouses")["items"][0]["id"]
    runs = ask(house, "dispatcher", "/api/v1/runs?state=published")["items"]
    return [each for each in runs if each["plan_id"] == plan_id and each["warehouse_id"] == warehouse_id]


def _hand_overs(page: Any, house: Any, run_id: int) -> list[str]:
    """Return where each household's hand-over is proved, as the driver's page links to it."""
    found: dict[str, None] = {}
    for stop in ask(house, "driver", f"/api/v1/runs/{run_id}")["stops"]:
        page.goto(f"/runs/{run_id}/drive?stop={stop['id']}")
        for link in page.locator("a[href*=hand-over]").all():
            found[link.get_attribute("href")] = None
    return list(found)


def _proved(page: Any) -> bool:
    page.reload()
    shown = page.locator("b.shout")
    return bool(shown.count()) and shown.first.inner_text().strip() == "0"
