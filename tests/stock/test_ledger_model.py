"""A3: whatever people do, in whatever order, the database is what a simple model says."""

from __future__ import annotations

import os
from datetime import timedelta
from uuid import uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from app.foundation.errors import Refusal
from app.stock import operations, queries, service
from app.stock.models import Balance, Kind
from tests.conftest import EVERYTHING, NOON
from tests.stock.conftest import build_hall

STEPS = int(os.environ.get("MODEL_STEPS", "25"))
EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "12"))

WAYS = {
    Kind.PUT_AWAY: ("dock", "shelf"),
    Kind.MOVE: ("shelf", "other_shelf"),
    Kind.PICK: ("shelf", "staging"),
    Kind.LOAD: ("staging", "van"),
    Kind.HAND_OVER: ("van", "out"),
    Kind.BRING_BACK: ("van", "dock"),
    Kind.WRITE_OFF: ("other_shelf", "loss"),
}
WALLS = ("dock", "shelf", "other_shelf", "staging", "van", "quarantine")


def test_whatever_happens_the_database_is_what_the_model_says(work):
    class Warehouse(RuleBasedStateMachine):
        @initialize()
        def open(self):
            with work() as uow:
                self.hall = build_hall(uow, on_shelf=20)
            self.lots = [self.hall.lot_id]
            self.on_hand = {(self.hall.lot_id, "shelf"): 20, (self.hall.lot_id, "donor"): -20}
            self.reserved: dict[tuple[int, str], int] = {}
            self.reservations: list[dict] = []
            self.moved: list[dict] = []
            self.sent: list[dict] = []

        def add(self, lot, place, quantity):
            self.on_hand[lot, place] = self.on_hand.get((lot, place), 0) + quantity

        def available(self, lot, place):
            return self.on_hand.get((lot, place), 0) - self.reserved.get((lot, place), 0)

        def shift(self, lot, source, target, quantity, movement):
            self.add(lot, source, -quantity)
            self.add(lot, target, quantity)
            self.moved.append(
                {"id": movement.id, "lot": lot, "from": source, "to": target, "quantity": quantity, "back": False}
            )

        def attempt(self, allowed, deed):
            """Do it; it must work exactly when the model says so. Refused, it changes nothing."""
            try:
                with work() as uow:
                    result = deed(uow)
            except Refusal:
                assert not allowed, "the ledger refused what the model allows"
                return None
            assert allowed, "the ledger allowed what the model refuses"
            return result

        @rule(quantity=st.integers(1, 30))
        def receive(self, quantity):
            def deed(uow):
                return service.receive(
                    uow,
                    operation_id=uuid4(),
                    item_id=self.hall.item_id,
                    quantity=quantity,
                    place_id=self.hall.dock,
                    warehouse_id=self.hall.warehouse_id,
                )

            lot = self.attempt(True, deed).id
            self.lots.append(lot)
            self.add(lot, "donor", -quantity)
            self.add(lot, "dock", quantity)

        @rule(which=st.integers(0, 99), kind=st.sampled_from(sorted(WAYS)), quantity=st.integers(1, 25))
        def move(self, which, kind, quantity):
            lot, (source, target) = self.lots[which % len(self.lots)], WAYS[kind]
            movement = self.attempt(
                quantity <= self.available(lot, source),
                lambda uow: service.move(
                    uow,
                    operation_id=uuid4(),
                    lot_id=lot,
                    from_place_id=getattr(self.hall, source),
                    to_place_id=getattr(self.hall, target),
                    quantity=quantity,
                    kind=kind,
                ),
            )
            if movement:
                self.shift(lot, source, target, quantity, movement)

        @rule(which=st.integers(0, 99), quantity=st.integers(1, 25))
        def reserve(self, which, quantity):
            lot = self.lots[which % len(self.lots)]
            made = self.attempt(
                quantity <= self.available(lot, "shelf"),
                lambda uow: service.reserve(
                    uow,
                    lot_id=lot,
                    place_id=self.hall.shelf,
                    quantity=quantity,
                    purpose=("share", 1),
                    expires_at=NOON + timedelta(days=9),
                ),
            )
            if made:
                self.reserved[lot, "shelf"] = self.reserved.get((lot, "shelf"), 0) + quantity
                self.reservations.append({"id": made.id, "lot": lot, "quantity": quantity, "open": True})

        @rule(which=st.integers(0, 99))
        def release(self, which):
            if self.reservations:
                one = self.reservations[which % len(self.reservations)]
                self.attempt(True, lambda uow: service.release(uow, reservation_id=one["id"]))
                if one["open"]:
                    self.reserved[one["lot"], "shelf"] -= one["quantity"]
                    one["open"] = False

        @rule(which=st.integers(0, 99))
        def load_what_was_reserved(self, which):
            if self.reservations:
                one = self.reservations[which % len(self.reservations)]
                movement = self.attempt(
                    one["open"],
                    lambda uow: service.consume_and_move(
                        uow,
                        operation_id=uuid4(),
                        line=0,
                        reservation_id=one["id"],
                        to_place_id=self.hall.van,
                        kind=Kind.LOAD,
                    ),
                )
                if movement:
                    one["open"] = False
                    self.reserved[one["lot"], "shelf"] -= one["quantity"]
                    self.shift(one["lot"], "shelf", "van", one["quantity"], movement)

        @rule(which=st.integers(0, 99))
        def take_back(self, which):
            if self.moved:
                one = self.moved[which % len(self.moved)]
                walls = one["to"] in WALLS
                covered = not walls or one["quantity"] <= self.available(one["lot"], one["to"])
                back = self.attempt(
                    covered and not one["back"],
                    lambda uow: service.reverse(uow, operation_id=uuid4(), movement_id=one["id"], reason="wrong"),
                )
                if back:
                    one["back"] = True
                    self.add(one["lot"], one["to"], -one["quantity"])
                    self.add(one["lot"], one["from"], one["quantity"])

        @rule(which=st.integers(0, 99), quantity=st.integers(1, 40))
        def scan_what_was_done_already(self, which, quantity):
            lot = self.lots[which % len(self.lots)]
            one = {
                "operation_id": str(uuid4()),
                "device_id": str(uuid4()),
                "sequence": 1,
                "happened_at": NOON.isoformat(),
                "kind": "load",
                "payload": {
                    "lot_id": lot,
                    "from_place_id": self.hall.other_shelf,
                    "to_place_id": self.hall.van,
                    "quantity": quantity,
                    "done": True,
                },
            }
            missing = max(0, quantity - self.available(lot, "other_shelf"))
            (answer,) = operations.apply_batch(work, EVERYTHING, [one])
            assert answer.outcome == ("needs_review" if missing else "applied")
            self.sent.append(one)
            self.add(lot, "unknown", -missing)
            self.add(lot, "other_shelf", missing - quantity)
            self.add(lot, "van", quantity)

        @rule(which=st.integers(0, 99))
        def send_again(self, which):
            if self.sent:
                (answer,) = operations.apply_batch(work, EVERYTHING, [self.sent[which % len(self.sent)]])
                assert answer.outcome == "duplicate"

        @invariant()
        def the_database_is_the_model(self):
            if not hasattr(self, "hall"):
                return
            with work() as uow:
                rows = uow.session.execute(
                    select(Balance.lot_id, Balance.place_id, Balance.on_hand, Balance.reserved).where(
                        Balance.lot_id.in_(self.lots)
                    )
                )
                names = {getattr(self.hall, name): name for name in (*WALLS, "donor", "out", "loss", "unknown")}
                found = {(row.lot_id, names[row.place_id]): (row.on_hand, row.reserved) for row in rows}
            keys = set(self.on_hand) | set(self.reserved) | set(found)
            told = {key: (self.on_hand.get(key, 0), self.reserved.get(key, 0)) for key in keys}
            assert {key: found.get(key, (0, 0)) for key in keys} == told
            assert all(found[key][0] >= 0 for key in found if key[1] in WALLS)

        def teardown(self):
            with work() as uow:
                assert queries.verify(uow.session).holds

    run_state_machine_as_test(
        Warehouse,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
