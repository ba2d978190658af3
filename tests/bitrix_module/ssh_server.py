"""An SSH server for the deploy script: real connections of OpenSSH's client, which can be lost."""

import asyncio
import os
import subprocess
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import asyncssh

Process = asyncssh.SSHServerProcess[bytes]

LOGIN_SHELL = ("dash", "-c")
"""As poor as one can be: what the script sends may use nothing of bash's before it has started one."""

GREETING = b"Last login: yesterday\n"

CONFIG = """\
Host example
  HostName 127.0.0.1
  Port {port}
  IdentityFile "{folder}/key"
  IdentitiesOnly yes
  UserKnownHostsFile "{folder}/hosts"
  GlobalKnownHostsFile /dev/null
"""


class SshServer:
    """Runs what `shop@example` is asked, as this user, and counts connections and commands.

    While the file `lost` is there nothing gets through. The command that has the text `orphan` in it loses its
    connection and goes on; the server is back at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lost = folder / "lost"
        self.orphan: str | None = None
        self.connections = 0
        self.commands = 0
        self.environment = {**os.environ, "HOME": str(folder)}

    @property
    def path(self) -> str:
        """A PATH with an ssh that knows the server."""
        return f"{self.folder}:{os.environ['PATH']}"

    async def start(self) -> None:
        host, user = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        acceptor = await asyncssh.create_server(
            lambda: Connection(self),
            "127.0.0.1",
            port=0,
            server_host_keys=[host],
            authorized_client_keys=asyncssh.import_authorized_keys(public(user)),
            process_factory=self.run,
            encoding=None,
        )
        user.write_private_key(self.folder / "key")
        (self.folder / "key").chmod(0o600)
        (self.folder / "hosts").write_text(f"[127.0.0.1]:{acceptor.get_port()} {public(host)}")
        config = self.folder / "config"
        config.write_text(CONFIG.format(port=acceptor.get_port(), folder=self.folder))
        ssh = self.folder / "ssh"
        ssh.write_text(f"#!/bin/sh\nexec /usr/bin/ssh -F '{config}' \"$@\"\n")
        ssh.chmod(0o755)

    async def run(self, process: Process) -> None:
        connection, command = process.channel.get_connection(), process.command or ""
        self.commands += 1
        if self.lost.exists():
            connection.abort()
        elif self.orphan and self.orphan in command:
            self.orphan = None
            self.start_apart(command)
            await asyncio.sleep(0.5)
            connection.abort()
        else:
            process.exit(await carry_out(command, self.environment, process))

    def start_apart(self, command: str) -> None:
        subprocess.Popen(
            [*LOGIN_SHELL, command],
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
            env=self.environment,
            start_new_session=True,
        )


class Connection(asyncssh.SSHServer):
    def __init__(self, server: SshServer) -> None:
        self.server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.server.connections += 1
        if self.server.lost.exists():
            conn.abort()


async def carry_out(command: str, environment: dict[str, str], process: Process) -> int:
    process.stdout.write(GREETING)
    child = await asyncio.create_subprocess_exec(
        *LOGIN_SHELL, command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment
    )
    assert child.stdin
    assert child.stdout
    assert child.stderr
    feeding = asyncio.create_task(feed(child.stdin, process))
    await asyncio.gather(
        pass_on(child.stdout, process.stdout), pass_on(child.stderr, process.stderr)
    )
    feeding.cancel()
    return await child.wait()


async def feed(stdin: asyncio.StreamWriter, process: Process) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        await pass_on(process.stdin, stdin)
    stdin.close()


async def pass_on(
    source: "asyncio.StreamReader | asyncssh.SSHReader[bytes]",
    target: "asyncio.StreamWriter | asyncssh.SSHWriter[bytes]",
) -> None:
    while part := await source.read(65536):
        target.write(part)
        await target.drain()


def public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode()


@contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    server = SshServer(folder)
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(end_tasks(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def end_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
