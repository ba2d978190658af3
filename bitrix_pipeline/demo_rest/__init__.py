"""Bitrix's REST API over the sample shop, for the demo and the tests: with its quirks, and faults at will.

It answers as Bitrix's code and documentation say, over HTTP, so that any client can talk to it; it is
not part of what runs in production.
"""

from bitrix_pipeline.demo_rest.bitrix import SimulatedBitrix, SimulatorOptions
from bitrix_pipeline.demo_rest.faults import (
    Fault,
    cut_connection,
    fail_commands,
    gateway_timeout,
    operation_time_limit,
    overload_limit,
    query_limit,
    reply,
    site_closed,
    slow,
)
from bitrix_pipeline.demo_rest.limits import Bucket
from bitrix_pipeline.demo_rest.server import RestSimulator

__all__ = [
    "Bucket",
    "Fault",
    "RestSimulator",
    "SimulatedBitrix",
    "SimulatorOptions",
    "cut_connection",
    "fail_commands",
    "gateway_timeout",
    "operation_time_limit",
    "overload_limit",
    "query_limit",
    "reply",
    "site_closed",
    "slow",
]
