"""A warehouse full of lots and phones that talk to its server: what benchmarks of the floor share."""

from __future__ import annotations

import json
import os
import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session, sessionmaker

from app.accounts import service as accounts
from app.catalogue import queries as catalogue_queries
from app.catalogue import service as catalogue
from app.foundation.unit_of_work import unit_of_work
from app.geography.models import County, District, Settlement
from app.stock import queries, service
from app.stock.models import PlaceKind
from scripts.local import scratch

HOT = 5
HOT_PIECES = 300
LOTS = 400
SHELVES = 60


@dataclass
class Ground:
    """What the clients need to know."""

    tokens: list[str]
    item_ids: list[int]
    lots: list[int]
    hot: list[int]
    shelves: list[int]
    dock: int
    van: int


def prepare(sessions: sessionmaker[Session], clients: int) -> Ground:
    """Fill a warehouse, and give each client a worker's token."""
    with unit_of_work(sessions, scratch.EVERYTHING) as uow:
        catalogue.load_catalogue(uow)
        county = County(code="BAZ", name="BAZ", name_key="baz", nuts3="HU311", seat="Miskolc", hue=1)
        uow.session.add(county)
        uow.session.flush()
        district = District(county_id=county.id, name="Miskolc", name_key="miskolc", seat="Miskolc")
        uow.session.add(district)
        uow.session.flush()
        town = Settlement(
            county_id=county.id, district_id=district.id, name="Miskolc", name_key="miskolc", lat=48.1, lon=20.8
        )
        uow.session.add(town)
        uow.session.flush()
        warehouse = service.open_warehouse(
            uow,
            code="MIS",
            name="Miskolc",
            county_id=county.id,
            settlement_id=town.id,
            lat=48.1,
            lon=20.8,
            storage_classes=["ambient"],
        )
        home = warehouse.id
        shelves = [
            service.open_place(uow, code=f"MIS-A-{number:03}", kind="shelf", warehouse_id=home).id
            for number in range(SHELVES)
        ]
        van = service.open_place(uow, code="MIS-VAN-1", kind="vehicle", warehouse_id=home).id
        items = [item.id for item in catalogue_queries.items(uow.session) if not item.tracks_expiry][:40]
        arrivals = [
            {
                "operation_id": uuid4(),
                "item_id": items[number % len(items)],
                "quantity": HOT_PIECES if number < HOT else 100_000,
                "place_id": shelves[number % SHELVES] if number >= HOT else shelves[0],
                "warehouse_id": warehouse.id,
            }
            for number in range(HOT + LOTS)
        ]
        lots = [lot.id for lot in service.receive_many(uow, arrivals)]
        tokens = []
        for number in range(clients):
            worker = accounts.create_user(
                uow, f"worker{number}@bench.example", f"Worker {number}", "warehouse_worker", warehouse_id=warehouse.id
            )
            tokens.append(accounts.make_token(uow, worker.id, "bench", 1)[1])
        dock = queries.virtual_place(uow.session, warehouse.id, PlaceKind.DOCK).id
        return Ground(tokens, items, lots[HOT:], lots[:HOT], shelves, dock, van)


class Client:
    """One phone: a connection that stays open, numbered operations, and how long each answer took."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.common = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        self.head = (
            f"POST /api/v1/operations HTTP/1.1\r\n{self.common}Content-Type: application/json\r\nContent-Length: "
        )
        self.connect()
        self.device, self.sequence = str(uuid4()), 0
        self.seconds: list[float] = []

    def connect(self) -> None:
        """Open a connection, in place of one that was closed."""
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def close(self) -> None:
        """Hang up."""
        self.file.close()
        self.socket.close()

    def operation(self, kind: str, **payload: Any) -> dict[str, Any]:
        """Number a new operation."""
        self.sequence += 1
        return {
            "operation_id": str(uuid4()),
            "device_id": self.device,
            "sequence": self.sequence,
            "happened_at": datetime.now(UTC).isoformat(),
            "kind": kind,
            "payload": payload,
        }

    def send(self, operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Send operations, note how long the answer took, return the answers; anything else ends the benchmark."""
        status, answer, _ = self.ask(self.head, {"operations": operations})
        if status != 200:
            raise SystemExit(f"{status}: {answer.decode(errors='replace')[:300]}")
        answers: list[dict[str, Any]] = json.loads(answer)["answers"]
        return answers

    def get(self, path: str) -> int:
        """Open a page or an address of the API; return its status."""
        status, _, _ = self.ask(f"GET {path} HTTP/1.1\r\n{self.common}", None)
        return status

    def ask(self, head: str, content: dict[str, Any] | None) -> tuple[int, bytes, dict[str, str]]:
        """Ask once; return status, body and headers, and note how long it took."""
        body = b"" if content is None else json.dumps(content).encode()
        end = f"{len(body)}\r\n\r\n" if content is not None else "\r\n"
        started = time.perf_counter()
        self.socket.sendall(head.encode() + end.encode() + body)
        status = int(self.file.readline().split()[1])
        headers: dict[str, str] = {}
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        answer = self.file.read(int(headers.get("content-length", "0")))
        self.seconds.append(time.perf_counter() - started)
        if headers.get("connection", "").lower() == "close":
            self.connect()
        return status, answer, headers


def cpu_seconds() -> float:
    """Return what the web server and our own PostgreSQL have burnt so far: it tells more on a busy machine."""
    parents: dict[int, int] = {}
    burnt: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            facts = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(folder.name)], burnt[int(folder.name)] = int(facts[1]), int(facts[11]) + int(facts[12])
    ours = {os.getpid()}
    for _ in range(4):
        ours |= {pid for pid, parent in parents.items() if parent in ours}
    return sum(burnt[pid] for pid in ours - {os.getpid()}) / os.sysconf("SC_CLK_TCK")


def scan(ground: Ground) -> Callable[[Client, random.Random], dict[str, Any]]:
    """Make the everyday mix: half moves, a quarter receipts, a quarter loads."""

    def make(client: Client, chance: random.Random) -> dict[str, Any]:
        kind = chance.random()
        if kind < 0.25:
            return client.operation(
                "receive", item_id=chance.choice(ground.item_ids), quantity=24, place_id=ground.dock
            )
        number = chance.randrange(LOTS)
        here = ground.shelves[(number + HOT) % SHELVES]
        if kind < 0.75:
            there = ground.shelves[(number + HOT + 1 + chance.randrange(3)) % SHELVES]
            return client.operation(
                "move", lot_id=ground.lots[number], from_place_id=here, to_place_id=there, quantity=1
            )
        return client.operation(
            "load", lot_id=ground.lots[number], from_place_id=here, to_place_id=ground.van, quantity=1
        )

    return make
