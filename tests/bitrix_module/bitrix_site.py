"""What the tests of the PHP module hold in their hands: a site, what happens on it, and receivers."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from shop_and_crm import Shop

REPOSITORY = Path(__file__).parents[2]
MODULE = "bitrixpipeline.outbox"
SOURCE = REPOSITORY / "bitrix_module" / MODULE
STAND_IN = Path(__file__).with_name("stand_in")
PHP = shutil.which("php")

TABLES = ("b_bitrixpipeline_outbox", "b_bitrixpipeline_state")
SETTINGS = """<?php
return [
    'connections' => ['value' => ['default' => [
        'host' => '{host}:{port}', 'login' => 'root', 'password' => '', 'database' => '{database}', 'charset' => '{charset}',
    ]], 'readonly' => true],
];
"""


@dataclass
class Site:
    """A document root with the stand-in for Bitrix, over a sample shop's database."""

    root: Path
    shop: Shop
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def module(self) -> Path:
        return self.root / "local/modules" / MODULE

    def php(self, *arguments: object, code: str = "", **options: Any) -> str:
        """What PHP prints; a fault of PHP's is the test's."""
        done = self.run(*arguments, code=code, **options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(
        self, *arguments: object, code: str = "", seconds: float = 240
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*arguments), input=code, capture_output=True, text=True, check=False,
            env={**os.environ, **self.environment}, timeout=seconds,
        )  # fmt: skip

    def command(self, *arguments: object) -> list[str]:
        return [PHP or "php", "-d", "display_errors=stderr", *map(str, arguments)]

    def hit(self, code: str, **options: Any) -> str:
        """One request to the site: this code, and then what Bitrix does after the response."""
        return self.php("-f", STAND_IN / "hit.php", self.root, code=code, **options)

    def start_hit(self, code: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            self.command("-f", STAND_IN / "hit.php", self.root),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **self.environment},
        )  # fmt: skip
        assert process.stdin
        process.stdin.write(code)
        process.stdin.close()
        return process

    def cli(self, *words: object, code: str = "") -> str:
        return self.php("-f", self.module / "tools/cli.php", *words, code=code)

    def send(self) -> dict[str, Any]:
        """One run of the agent; what it did."""
        report: dict[str, Any] = json.loads(self.cli("send"))
        return report

    def install(self) -> None:
        self.cli("install")

    def set(self, **options: object) -> None:
        for name, value in options.items():
            self.shop.run("DELETE FROM b_option WHERE MODULE_ID = %s AND NAME = %s", MODULE, name)
            self.shop.insert("b_option", MODULE_ID=MODULE, NAME=name, VALUE=str(value))

    def outbox(self, columns: str = "TYPE, ENTITY_ID") -> list[tuple[Any, ...]]:
        return self.shop.rows(f"SELECT {columns} FROM b_bitrixpipeline_outbox ORDER BY ID")

    def log(self) -> list[str]:
        return [row[0] for row in self.shop.rows("SELECT DESCRIPTION FROM b_event_log ORDER BY ID")]

    def order(self, *, nth: int = 0) -> int:
        return self.shop.ids("SELECT ID FROM b_sale_order ORDER BY ID LIMIT %s, 1", nth)[0]

    def add(self, type_: str, *ids: int) -> None:
        """Events as the handlers note them."""
        for id_ in ids:
            self.shop.run(
                "INSERT INTO b_bitrixpipeline_outbox (UID, TYPE, ENTITY, ENTITY_ID, ORIGIN, DUE_AT, CREATED_AT)"
                " VALUES (CONCAT('evt_', UUID_SHORT()), %s, %s, %s, 'site', UTC_TIMESTAMP(), UTC_TIMESTAMP())",
                type_, type_.split(".", maxsplit=1)[0], id_,
            )  # fmt: skip

    def let_time_pass(self) -> None:
        """Pauses, backoffs and leases are over."""
        self.shop.run("UPDATE b_bitrixpipeline_state SET PAUSED_UNTIL = NULL")
        self.shop.run(
            "UPDATE b_bitrixpipeline_outbox SET DUE_AT = DUE_AT - INTERVAL 1 DAY,"
            " LEASED_UNTIL = IF(LEASED_UNTIL IS NULL, NULL, UTC_TIMESTAMP() - INTERVAL 1 SECOND)"
        )


@contextmanager
def in_a_browser(site: Site) -> Iterator[str]:
    """The site's address, behind PHP's own web server, which closes no response before a page's end."""
    server = subprocess.Popen(
        site.command("-S", "127.0.0.1:0", "-t", site.root),
        stderr=subprocess.PIPE, text=True, env={**os.environ, **site.environment},
    )  # fmt: skip
    try:
        started = next(line for line in server.stderr or () if "started" in line)
        yield started.split("(")[1].split(")")[0]
    finally:
        server.kill()
        server.communicate()


@contextmanager
def options_of_main(site: Site, options: dict[str, str]) -> Iterator[None]:
    """Options of Bitrix's own, until the block's end."""
    for name, value in options.items():
        site.shop.insert("b_option", MODULE_ID="main", NAME=name, VALUE=value)
    try:
        yield
    finally:
        for name in options:
            site.shop.run("DELETE FROM b_option WHERE MODULE_ID = 'main' AND NAME = %s", name)


def make_site(root: Path, shop: Shop, *, charset: str = "utf8mb4") -> Site:
    """With the module's files in place; it is not installed yet."""
    include = root / "bitrix/modules/main/include"
    include.mkdir(parents=True)
    (include / "prolog_before.php").write_text(f"<?php require '{STAND_IN}/prolog.php';")
    of = shop.connection
    (root / "bitrix/.settings.php").write_text(
        SETTINGS.format(host=of.host, port=of.port, database=shop.database, charset=charset)
    )
    shutil.copytree(SOURCE, root / "local/modules" / MODULE)
    return Site(root, shop)


def make_bitrix_tables(shop: Shop) -> None:
    for statement in (STAND_IN / "tables.sql").read_text().split(";"):
        if statement.strip():
            shop.run(statement)


def forget_module(shop: Shop) -> None:
    """As on a site that never had it."""
    for table in TABLES:
        shop.run(f"DROP TABLE IF EXISTS {table}")
    shop.run("DELETE FROM b_option WHERE MODULE_ID = %s", MODULE)
    shop.run("DELETE FROM b_module WHERE ID = %s", MODULE)
    for table in (
        "b_module_to_module", "b_agent", "b_event_log", "b_rest_ap", "b_rest_ap_permission",
    ):  # fmt: skip
        shop.run(f"DELETE FROM {table}")


def rows_of_module(shop: Shop) -> int:
    """How many rows of Bitrix's tables are about the module."""
    found: int = shop.value(
        "SELECT (SELECT COUNT(*) FROM b_module WHERE ID = %s) + (SELECT COUNT(*) FROM b_module_to_module)"
        " + (SELECT COUNT(*) FROM b_agent) + (SELECT COUNT(*) FROM b_option WHERE MODULE_ID = %s)",
        MODULE, MODULE,
    )  # fmt: skip
    return found


@dataclass(frozen=True)
class Request:
    """One POST as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def is_ping(self) -> bool:
        return bool(self.event["type"] == "ping")


@dataclass
class Listener:
    """A receiver that answers as a test says: by the number of the request, from zero."""

    url: str
    requests: list[Request] = field(default_factory=list)
    answer: Callable[[int, Request], int] = lambda _, __: 202
    headers: dict[str, str] = field(default_factory=dict)
    takes_unsigned: bool = False

    def refuse(self, status: int, *ids: int) -> None:
        """Answers so to the events of these IDs, of all if there are none; takes the others, and pings."""

        def answer(_: int, request: Request) -> int:
            is_meant = not ids or request.event["data"]["id"] in ids
            return status if is_meant and not request.is_ping else 202

        self.answer = answer

    def events(self) -> list[Request]:
        """All but the pings, with which a sender asks whether the receiver takes others."""
        return [request for request in self.requests if not request.is_ping]

    def ids(self) -> list[int]:
        return [request.event["data"]["id"] for request in self.events()]


@contextmanager
def listening() -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            head = {name.lower(): value for name, value in self.headers.items()}
            if "webhook-signature" not in head and not listener.takes_unsigned:
                status = 401
            else:
                listener.requests.append(Request(head, body))
                status = listener.answer(len(listener.requests) - 1, listener.requests[-1])
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in listener.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener = Listener(f"http://127.0.0.1:{server.server_port}/webhooks/bitrix")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
