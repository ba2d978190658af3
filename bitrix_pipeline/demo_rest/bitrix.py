"""What Bitrix does with a request, whatever way it came: who may, which method, what is answered."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pymysql
from pymysql.cursors import DictCursor

from bitrix_pipeline.demo.shop_sql import SHOP_TIME_ZONE
from bitrix_pipeline.demo_rest.faults import HTML, Fault, Faults, Reply, error_reply
from bitrix_pipeline.demo_rest.limits import Bucket, Operating
from bitrix_pipeline.demo_rest.methods import METHODS, OWN_METHODS, SCOPELESS, Call
from bitrix_pipeline.demo_rest.order_rows import SHOP_ZONE
from bitrix_pipeline.demo_rest.php import array, is_true, members, parse_str
from bitrix_pipeline.demo_rest.refusals import METHOD_NOT_FOUND, Dialect, FatalError, Refusal
from bitrix_pipeline.sync.mysql import parse_mysql_url

LARGEST_BATCH = 50
NOT_IN_A_BATCH = {"batch", "upload", "download"}


@dataclass(frozen=True, kw_only=True)
class SimulatorOptions:
    """The shop's version and settings, as far as the API shows them."""

    user: int = 1
    code: str = "demodemodemodemo"
    dialect: Dialect = "core"
    scopes: tuple[str, ...] = ("sale",)
    rights: str = "W"
    """The user's to the module sale: `W` writes, `R` reads, `D` may do nothing."""
    numbers_as_text: bool = False
    """As older cores have it."""
    has_own_method: bool = False
    """The shop has our PHP module."""
    is_closed: bool = False
    vetoed: frozenset[str] = frozenset()
    """Statuses that the shop's own code refuses."""
    marked: frozenset[str] = frozenset()
    """Statuses whose save succeeds with a warning, so that the order is marked."""
    moves_on: Mapping[str, str] = field(default_factory=dict)
    """Status → what the shop's own code makes of it in the same save, after the mail."""
    fatal: frozenset[int] = frozenset()
    """Orders whose save kills PHP."""
    unreadable: frozenset[int] = frozenset()
    """Orders whose reading does."""
    bucket: Bucket | None = None
    operating: Operating | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    """A method call, decoded."""

    user: str
    code: str
    method: str
    params: dict[str, Any]


@dataclass
class SimulatedBitrix:
    """The API over one shop's database; `options` may be replaced at any time."""

    mysql_url: str
    options: SimulatorOptions = field(default_factory=SimulatorOptions)
    faults: Faults = field(default_factory=Faults)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Method and parameters of each that came."""
    mails: list[tuple[int, str]] = field(default_factory=list)
    """Order and status of each mail that a buyer would have got."""
    wall_clock: Callable[[], float] = time.time
    _idle: "list[pymysql.Connection[DictCursor]]" = field(default_factory=list)

    def begin_anew(self, mysql_url: str, options: SimulatorOptions) -> None:
        """Over another shop, and with nothing remembered."""
        self.close()
        self.mysql_url, self.options = mysql_url, options
        self.faults.clear()
        self.requests.clear()
        self.mails.clear()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def answer(self, request: Request, fault: Fault | None) -> Reply:
        """What is sent, with what the fault makes of it."""
        self.requests.append((request.method, request.params))
        fault = fault or Fault(applies=True)
        if fault.refusal is not None and not fault.fails_every:
            return self._refused(fault.refusal, reset_in=fault.reset_in)
        proper = self._proper(request, fault) if fault.applies else Reply()
        return fault.instead or proper

    def methods(self) -> list[str]:
        own = list(OWN_METHODS) if self.options.has_own_method else []
        return [*METHODS, *own, "batch"]

    def _proper(self, request: Request, fault: Fault) -> Reply:
        began = time.time()
        try:
            self._admit(request)
            body = self._body(request, fault)
        except Refusal as refusal:
            return self._refused(refusal)
        except FatalError:
            return Reply(status=500, body=b"<br /><b>Fatal error</b>", content_type=HTML)
        body["time"] = self._time(began, request.method)
        return Reply(body=json.dumps(body, ensure_ascii=False).encode())

    def _body(self, request: Request, fault: Fault) -> dict[str, Any]:
        with self._database() as cursor:
            if request.method == "batch":
                return {"result": self._batch(cursor, request.params, fault)}
            return self._execute(cursor, request.method, request.params)

    def _admit(self, request: Request) -> None:
        bucket = self.options.bucket
        if bucket is not None and not bucket.accepts():
            raise Refusal("QUERY_LIMIT_EXCEEDED", "Too many requests")
        if self.options.is_closed:
            raise Refusal("PORTAL_DELETED", "Portal was deleted")
        if not request.code:
            raise Refusal("NO_AUTH_FOUND", "Wrong authorization data")
        if (request.user, request.code) != (str(self.options.user), self.options.code):
            raise Refusal("INVALID_CREDENTIALS", "Invalid request credentials")

    def _execute(self, cursor: DictCursor, method: str, params: dict[str, Any]) -> dict[str, Any]:
        implementation = METHODS.get(method)
        if self.options.has_own_method:
            implementation = implementation or OWN_METHODS.get(method)
        if implementation is None:
            raise METHOD_NOT_FOUND
        if method not in SCOPELESS and method.split(".", maxsplit=1)[0] not in self._scopes():
            raise Refusal(
                "insufficient_scope",
                "The request requires higher privileges than provided by the webhook token",
            )
        operating = self.options.operating
        if operating is not None and not operating.accepts(method):
            raise Refusal("OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.")
        cursor.connection.begin()
        try:
            body = implementation(Call(self, cursor, params))
        except BaseException:
            cursor.connection.rollback()
            raise
        cursor.connection.commit()
        return body

    def _batch(self, cursor: DictCursor, params: Mapping[str, Any], fault: Fault) -> dict[str, Any]:
        commands = params.get("cmd")
        if not isinstance(commands, dict):
            commands = {str(place): text for place, text in enumerate(members(commands))}
        parts: dict[str, dict[str, Any]] = {
            name: {}
            for name in ("result", "result_error", "result_total", "result_next", "result_time")
        }
        for place, (key, text) in enumerate(commands.items(), start=1):
            if not isinstance(text, str):
                continue
            began = time.time()
            method, _, query = text.partition("?")
            method = method.lower()
            try:
                self._allow_in_batch(place, method, fault)
                body = self._execute(cursor, method, normalized(parse_str(query)))
            except Refusal as refusal:
                parts["result_error"][key] = refusal.body(self.options.dialect)
                if is_true(params.get("halt")):
                    break
                continue
            parts["result"][key] = body["result"]
            parts["result_time"][key] = self._time(began, method)
            parts["result_total"] |= {key: body["total"]} if "total" in body else {}
            parts["result_next"] |= {key: body["next"]} if "next" in body else {}
        return {name: array(values) for name, values in parts.items()}

    def _allow_in_batch(self, place: int, method: str, fault: Fault) -> None:
        if place > LARGEST_BATCH:
            raise Refusal("ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")
        if method in NOT_IN_A_BATCH:
            raise Refusal("ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage")
        if fault.fails_every and fault.refusal and place % fault.fails_every == 0:
            raise fault.refusal

    def _scopes(self) -> set[str]:
        own = {"bitrixpipeline"} if self.options.has_own_method else set()
        return {*self.options.scopes, *own}

    def _refused(self, refusal: Refusal, *, reset_in: float | None = None) -> Reply:
        more = {} if reset_in is None else {"operating_reset_at": self.wall_clock() + reset_in}
        return error_reply(refusal, self.options.dialect, **more)

    def _time(self, began: float, method: str) -> dict[str, Any]:
        ended = time.time()
        told: dict[str, Any] = {
            "start": began,
            "finish": ended,
            "duration": ended - began,
            "processing": ended - began,
            "date_start": datetime.fromtimestamp(began, SHOP_ZONE).isoformat(timespec="seconds"),
            "date_finish": datetime.fromtimestamp(ended, SHOP_ZONE).isoformat(timespec="seconds"),
        }
        if self.options.operating is not None:
            told["operating_reset_at"] = self.options.operating.reset_at(method)
            told["operating"] = self.options.operating.used(method)
        return told

    @contextmanager
    def _database(self) -> Iterator[DictCursor]:
        """A connection without strict mode and in the shop's time, as PHP has it."""
        # Kept for the next request: PyMySQL reads all of the system's certificates for each new one.
        connection = self._idle.pop() if self._idle else self._connect()
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            self._idle.append(connection)

    def _connect(self) -> "pymysql.Connection[DictCursor]":
        url = parse_mysql_url(self.mysql_url)
        return pymysql.connect(
            host=url.host or "127.0.0.1",
            port=url.port or 3306,
            user=url.username,
            password=url.password or "",
            database=url.database,
            charset="utf8mb4",
            autocommit=True,
            sql_mode="",
            init_command=f"SET time_zone = '{SHOP_TIME_ZONE}'",
            cursorclass=DictCursor,
        )


def normalized(params: Mapping[str, Any]) -> dict[str, Any]:
    """The names of parameters may have any case."""
    return {str(name).lower(): value for name, value in params.items()}
