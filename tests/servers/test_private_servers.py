"""Each kind of server starts, keeps its data, restarts, and says clearly what is wrong."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import make_url

from bitrix_pipeline.servers import (
    PrivateMariaDB,
    PrivatePostgres,
    PrivateServer,
    ServerFailed,
    ServerUnavailable,
    bundled_binaries,
    debian_binaries,
    mariadb,
)


def query(server: PrivateServer, sql: str) -> Any:
    """The only value of the query's only row; None for a statement without rows."""
    with server.connect() as connection, connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(sql)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def test_the_server_answers_at_its_url(server: PrivateServer):
    url = make_url(server.url)

    assert query(server, "SELECT 1") == 1
    assert (url.host, url.port) == ("127.0.0.1", server.port)
    assert url.username in {"root", "postgres"}


def test_the_version_is_the_one_the_server_reports(server: PrivateServer):
    assert re.match(r"\d+\.\d+", server.version())


def test_the_pid_is_the_servers_own_process(server: PrivateServer):
    assert any(str(server.folder) in word for word in psutil.Process(server.pid).cmdline())


def test_the_server_never_runs_as_root(server: PrivateServer):
    assert psutil.Process(server.pid).uids().effective != 0


def test_the_server_listens_on_loopback_only(server: PrivateServer):
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(server.pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]

    assert listening == ["127.0.0.1"]


def test_a_restart_keeps_the_port_and_the_data(server: PrivateServer):
    url, pid = server.url, server.pid
    table = "mysql.kept" if url.startswith("mysql") else "kept"
    query(server, f"CREATE TABLE {table} (id int)")

    server.restart()

    assert server.url == url
    assert server.pid != pid
    assert query(server, f"SELECT count(*) FROM {table}") == 0
    query(server, f"DROP TABLE {table}")


def test_a_stopped_server_is_gone_and_may_be_stopped_again(server: PrivateServer):
    pid, port = server.pid, server.port

    server.stop()
    server.stop()

    assert not psutil.pid_exists(pid)
    assert not server.is_running
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    with pytest.raises(ServerFailed, match="is not running"):
        _ = server.pid


def test_starting_a_running_server_changes_nothing(server: PrivateServer):
    pid = server.pid

    server.start()

    assert server.pid == pid


def test_a_server_that_was_killed_starts_again_in_spite_of_its_stale_files(server: PrivateServer):
    os.kill(server.pid, signal.SIGKILL)
    while server.is_running:
        time.sleep(0.01)
    # What the killed server left names a process that lives: this one.
    data = server.folder / "data"
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")
    (data / "server.sock.lock").write_text(f"{os.getpid()}\n")
    (data / "server.pid").write_text(f"{os.getpid()}\n")

    server.start()

    assert query(server, "SELECT 1") == 1


def test_a_server_ends_with_the_block_that_raises(server: PrivateServer):
    pid = server.pid

    with pytest.raises(ZeroDivisionError), server:
        _ = 1 / 0

    assert not psutil.pid_exists(pid)


def test_a_second_server_waits_for_the_folder_and_then_says_who_has_it(
    server: PrivateServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bitrix_pipeline.servers.private.PREDECESSOR_SECONDS", 0.1)
    second = type(server)(server._asked_folder)

    with pytest.raises(ServerFailed, match="another server uses"):
        second.start()

    assert query(server, "SELECT 1") == 1


def test_two_servers_run_at_once_on_ports_of_their_own(tmp_path: Path):
    with PrivatePostgres(tmp_path / "one") as one, PrivatePostgres(tmp_path / "two") as two:
        assert one.port != two.port
        query(one, "CREATE DATABASE only_in_one")
        assert query(two, "SELECT count(*) FROM pg_database WHERE datname = 'only_in_one'") == 0


def test_a_port_that_is_taken_is_named_in_the_error(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = PrivatePostgres(tmp_path, port=taken.getsockname()[1])
        with pytest.raises(ServerFailed, match=r"ended while it started(.|\n)*already in use"):
            server.start()

    assert not server.is_running


def test_another_port_is_tried_when_the_free_one_is_taken_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        offers = iter([taken.getsockname()[1], 31_999])
        monkeypatch.setattr("bitrix_pipeline.servers.private._free_port", lambda: next(offers))
        with PrivatePostgres(tmp_path) as server:
            assert server.port == 31_999


def test_a_setting_the_server_does_not_know_is_shown_from_its_log(tmp_path: Path):
    server = PrivatePostgres(tmp_path, settings={"no_such_setting": "1"})

    with pytest.raises(ServerFailed, match="no_such_setting"):
        server.start()


def test_a_missing_mariadb_is_named_with_the_package_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mariadb, "PROGRAM_FOLDERS", "/nowhere")

    with pytest.raises(ServerUnavailable, match="apt-get install mariadb-server"):
        PrivateMariaDB(tmp_path).start()


def test_missing_postgres_binaries_are_named(tmp_path: Path):
    with pytest.raises(ServerUnavailable, match="/nowhere/postgres cannot be executed"):
        PrivatePostgres(tmp_path, binaries=Path("/nowhere")).start()
    with pytest.raises(ServerUnavailable, match="apt-get install postgresql-3"):
        debian_binaries(3)
    with pytest.raises(ServerUnavailable, match=r"brings \[16, 18\]"):
        bundled_binaries(9)


@pytest.mark.parametrize("major", [16, 18])
def test_the_wheel_brings_two_major_versions(major: int, tmp_path: Path):
    with PrivatePostgres(tmp_path, binaries=bundled_binaries(major)) as server:
        assert server.version().startswith(f"{major}.")


def test_postgres_sorts_and_encodes_the_same_everywhere(tmp_path: Path):
    with PrivatePostgres(tmp_path, settings={"work_mem": "7MB"}) as server:
        assert query(server, "SHOW server_encoding") == "UTF8"
        assert query(server, "SELECT datcollate FROM pg_database LIMIT 1") == "C.UTF-8"
        assert query(server, "SHOW fsync") == "off"
        assert query(server, "SHOW work_mem") == "7MB"


def test_durable_servers_write_through(tmp_path: Path):
    with PrivatePostgres(tmp_path / "postgres", fsync=True) as postgres:
        assert query(postgres, "SHOW fsync") == "on"
    with PrivateMariaDB(tmp_path / "mariadb", durable=True) as durable:
        assert query(durable, "SELECT @@innodb_flush_log_at_trx_commit") == 1


def test_mariadb_is_set_up_like_a_shops_but_small(tmp_path: Path):
    with PrivateMariaDB(tmp_path, settings={"sql-mode": ""}) as server:
        assert query(server, "SELECT @@character_set_server") == "utf8mb4"
        assert query(server, "SELECT @@max_allowed_packet") == 64 * 1024 * 1024
        assert query(server, "SELECT @@local_infile") == 0
        assert query(server, "SELECT @@tmpdir") == str(server.folder / "scratch")
        assert query(server, "SELECT @@log_bin") == 0
        assert query(server, "SELECT @@sql_mode") == ""


def test_a_folder_of_any_depth_holds_a_server(tmp_path: Path):
    deep = tmp_path.joinpath(*["a-rather-long-folder-name"] * 8)

    with PrivateMariaDB(deep) as server:
        assert query(server, "SELECT 1") == 1
