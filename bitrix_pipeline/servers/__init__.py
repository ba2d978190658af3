"""Real database servers that the demo, the tests and the benchmark start for themselves.

Each lives in a folder of its own, listens on the loopback interface only, never touches a system
service and never outlives the process that started it.
"""

from bitrix_pipeline.servers.errors import ServerError, ServerFailed, ServerUnavailable
from bitrix_pipeline.servers.mariadb import PrivateMariaDB
from bitrix_pipeline.servers.mysql import PrivateMySQL
from bitrix_pipeline.servers.postgres import PrivatePostgres, bundled_binaries, debian_binaries
from bitrix_pipeline.servers.private import PrivateServer

__all__ = [
    "PrivateMariaDB",
    "PrivateMySQL",
    "PrivatePostgres",
    "PrivateServer",
    "ServerError",
    "ServerFailed",
    "ServerUnavailable",
    "bundled_binaries",
    "debian_binaries",
]
