"""An SSH server for the deploy script: real connections of OpenSSH's client, which can be lost."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import asyncssh

Process = asyncssh.SSHServerProcess[bytes]

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
    """Runs what `shop@example` is asked, as this user; keeps its connections and can lose them."""

    def __init__(self, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.folder = folder
        self.loop = loop
        self.login_shell = ["dash", "-c"]
        self.environment = {**os.environ, "HOME": str(folder)}
        self.connections: list[asyncssh.SSHServerConnection] = []
        self.sessions: list[tuple[asyncssh.SSHServerConnection, asyncio.Task[None]]] = []
        self.children: list[asyncio.subprocess.Process] = []
        self.acceptor: asyncssh.SSHAcceptor | None = None

    @property
    def path(self) -> str:
        """A PATH with an ssh that knows the server."""
        return f"{self.folder}:{os.environ['PATH']}"

    def lose_connections(self) -> None:
        """What runs is told nothing: its pipes are closed."""
        for connection in self.connections:
            self.loop.call_soon_threadsafe(connection.abort)

    async def start(self) -> None:
        host, user = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        self.acceptor = await asyncssh.create_server(
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
        port = self.acceptor.get_port()
        (self.folder / "hosts").write_text(f"[127.0.0.1]:{port} {public(host)}")
        config = self.folder / "config"
        config.write_text(CONFIG.format(port=port, folder=self.folder))
        ssh = self.folder / "ssh"
        ssh.write_text(f"#!/bin/sh\nexec /usr/bin/ssh -F '{config}' \"$@\"\n")
        ssh.chmod(0o755)

    async def run(self, process: Process) -> None:
        session = asyncio.current_task()
        assert session
        self.sessions.append((process.channel.get_connection(), session))
        process.exit(await self.carry_out(process))

    async def carry_out(self, process: Process) -> int:
        """Returns the exit code; where it is canceled the command goes on, with nobody to read what it says."""
        process.stdout.write(GREETING)
        (stdout, of_stdout), (stderr, of_stderr) = await pipe(), await pipe()
        child = await asyncio.create_subprocess_exec(
            *self.login_shell,
            process.command or "",
            stdin=PIPE,
            stdout=of_stdout,
            stderr=of_stderr,
            env=self.environment,
            start_new_session=True,
        )
        self.children.append(child)
        os.close(of_stdout)
        os.close(of_stderr)
        assert child.stdin
        feeding = asyncio.create_task(feed(child.stdin, process))
        try:
            await asyncio.gather(pass_on(stdout, process.stdout), pass_on(stderr, process.stderr))
            return await child.wait()
        finally:
            feeding.cancel()
            for end in (child.stdin, stdout, stderr):
                end.close()

    async def stop(self) -> None:
        for child in self.children:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
        if self.acceptor:
            self.acceptor.close()
            await self.acceptor.wait_closed()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Connection(asyncssh.SSHServer):
    def __init__(self, server: SshServer) -> None:
        self.server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn
        self.server.connections.append(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        for connection, session in self.server.sessions:
            if connection is self.connection:
                session.cancel()


class Output(asyncio.StreamReader):
    """Of a command; closed, the command cannot write any more."""

    transport: asyncio.ReadTransport

    def close(self) -> None:
        self.transport.close()


async def pipe() -> tuple[Output, int]:
    output, (readable, writable) = Output(), os.pipe()
    output.transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), os.fdopen(readable, "rb")
    )
    return output, writable


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
    server = SshServer(folder, loop)
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
