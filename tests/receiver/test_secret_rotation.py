"""Secrets change while webhooks come in, and no sender notices."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from receiving import OTHER_SECRET as NEW
from receiving import SECRET as OLD
from receiving import TOKEN, Inbox, Service, ask, new_id, post, service, wait_for


@dataclass
class Keyring:
    """Where an operator keeps the secrets, and the receiver that reads them."""

    receiver: Service
    write: Callable[[str], None]

    def change(self, secrets: str) -> None:
        self.write(secrets)
        self.receiver.process.send_signal(signal.SIGHUP)


@pytest.fixture(params=["a directory of secrets", ".env"])
def keyring(inbox: Inbox, log: Path, request: pytest.FixtureRequest) -> Iterator[Keyring]:
    def write(secrets: str) -> None:
        if request.param == ".env":
            (log.parent / ".env").write_text(f'WEBHOOK_SECRETS="{secrets}"\n')
        else:
            (log.parent / "webhook_secrets").write_text(secrets)

    write(OLD)
    where = {"WEBHOOK_SECRETS": None, "SECRETS_DIR": str(log.parent)}
    with service(inbox.receiver_url, log, **where) as receiver:
        yield Keyring(receiver, write)


@dataclass
class Sender:
    """Sends one webhook after another, each over a connection of its own."""

    receiver: Service
    secret: str
    answers: list[int] = field(default_factory=list)

    def send(self) -> int:
        return self.receiver.send(new_id(), secret=self.secret).status

    @contextmanager
    def at_work(self) -> Iterator[None]:
        done = threading.Event()

        def work() -> None:
            while not done.is_set():
                try:
                    self.answers.append(self.send())
                except OSError:
                    self.answers.append(0)

        thread = threading.Thread(target=work)
        thread.start()
        self.wait_for_more()
        yield
        self.wait_for_more()
        done.set()
        thread.join()

    def wait_for_more(self) -> None:
        count = len(self.answers)
        wait_for(lambda: len(self.answers) >= count + 20)


def test_secrets_change_without_a_gap(keyring: Keyring, inbox: Inbox) -> None:
    old, new = Sender(keyring.receiver, OLD), Sender(keyring.receiver, NEW)

    with old.at_work():
        assert new.send() == 401
        keyring.change(f"{NEW} {OLD}")
        wait_for(lambda: new.send() == 202)
        with new.at_work():
            old.wait_for_more()
    with new.at_work():
        keyring.change(NEW)
        wait_for(lambda: old.send() == 401)

    assert set(old.answers) == {202}
    assert set(new.answers) == {202}
    assert len(inbox.ids()) >= len(old.answers) + len(new.answers)
    assert keyring.receiver.process.poll() is None


@pytest.mark.parametrize("bad", ["", "whsec_short", "secret-canary"])
def test_bad_secrets_change_nothing_and_are_not_repeated(keyring: Keyring, bad: str) -> None:
    keyring.change(bad)

    wait_for(lambda: "The secrets stay as they were" in keyring.receiver.log.read_text())
    assert Sender(keyring.receiver, OLD).send() == 202
    assert "secret-canary" not in keyring.receiver.log.read_text()


def test_secrets_in_the_environment_stay_and_the_log_says_so(inbox: Inbox, log: Path) -> None:
    with service(inbox.receiver_url, log) as receiver:
        receiver.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "what stands in the environment cannot change" in log.read_text())

        assert receiver.send().status == 202


def test_systemd_is_told_when_the_receiver_can_be_reloaded(inbox: Inbox, log: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(log.parent / "notify"))

        with service(inbox.receiver_url, log, NOTIFY_SOCKET=str(log.parent / "notify")) as receiver:
            systemd.settimeout(60)
            told = systemd.recv(100)
            receiver.process.send_signal(signal.SIGHUP)

            assert receiver.send().status == 202
    assert told == b"READY=1"


def test_the_entrance_for_bitrix_opens_and_closes_with_its_tokens(inbox: Inbox, log: Path) -> None:
    tokens = log.parent / "bitrix_application_tokens"
    form = f"event=ONSALEORDERSAVED&data[FIELDS][ID]=1&auth[application_token]={TOKEN}".encode()
    head = {"content-type": "application/x-www-form-urlencoded"}
    where = {"BITRIX_APPLICATION_TOKENS": None, "SECRETS_DIR": str(log.parent)}
    with service(inbox.receiver_url, log, **where) as receiver:

        def answers(status: int) -> bool:
            request = post("/webhooks/bitrix/events", head, form)
            return ask(receiver.url, request).status == status

        assert answers(404)
        tokens.write_text(TOKEN)
        receiver.process.send_signal(signal.SIGHUP)
        wait_for(lambda: answers(202))
        tokens.unlink()
        receiver.process.send_signal(signal.SIGHUP)
        wait_for(lambda: answers(404))
