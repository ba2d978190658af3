"""The vectors that the receiver and the sender share, signed by PHP."""

import hmac
import json
import re
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest
from bitrix_site import PHP, REPOSITORY, SOURCE, Site
from receiving import Service

VECTORS = json.loads((REPOSITORY / "tests/receiver/signature_vectors.json").read_text("utf-8"))
SIGN = """
require '%s/lib/signature.php';
$signed = [];
foreach (json_decode(file_get_contents('%s'), true) as $name => [$secrets, $id, $timestamp, $body]) {
    $signed[$name] = Bitrixpipeline\\Outbox\\Signature::header($secrets, $id, $timestamp, base64_decode($body));
}
echo json_encode($signed);
"""
TAKEN = [vector for vector in VECTORS if vector["expect"] == 202]
# Signed by another key, or of another ID, moment or body; or no signature at all.
NOT_SIGNED = [
    vector
    for vector in VECTORS
    if vector["name"].startswith("sig_")
    or vector["name"]
    in {"only_v1a", "body_one_space_added", "id_changed", "ts_changed", "rotation_old_key_removed"}
]


def parts(vector: dict[str, Any]) -> tuple[list[str], str, int, str]:
    """Secrets, ID, timestamp and body. A sender has whole seconds: a malformed number is the receiver's affair."""
    head = vector["headers"]
    timestamp = head.get("webhook-timestamp", "")
    is_whole = re.fullmatch(r"-?[0-9]+", timestamp)
    return (
        vector["secrets"],
        head.get("webhook-id", ""),
        int(timestamp) if is_whole else vector["now"],
        vector["body_b64"],
    )


def by_hand(vector: dict[str, Any]) -> str:
    """The header, by the words of Standard Webhooks."""
    secrets, id_, timestamp, body = parts(vector)
    signed = f"{id_}.{timestamp}.".encode() + b64decode(body)
    keys = [b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    macs = [hmac.digest(key, signed, "sha256") for key in keys]
    return " ".join(f"v1,{b64encode(mac).decode()}" for mac in macs)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    vectors = tmp_path_factory.mktemp("vectors") / "vectors.json"
    vectors.write_text(json.dumps({vector["name"]: parts(vector) for vector in VECTORS}))
    done = subprocess.run(
        [PHP or "php", "-r", SIGN % (SOURCE, vectors)], capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def names(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def has_signature_of(vector: dict[str, Any], header: str) -> bool:
    return bool(set(header.split()) & set(vector["headers"].get("webhook-signature", "").split()))


def test_all_vectors_are_there(signed: dict[str, str]) -> None:
    assert (len(signed), len(TAKEN), len(NOT_SIGNED)) == (43, 15, 12)


@pytest.mark.parametrize("vector", VECTORS, ids=names)
def test_php_signs_every_vector_to_the_byte(signed: dict[str, str], vector: dict[str, Any]) -> None:
    assert signed[vector["name"]] == by_hand(vector)


@pytest.mark.parametrize("vector", TAKEN, ids=names)
def test_what_the_receiver_must_take_php_signs_so(
    signed: dict[str, str], vector: dict[str, Any]
) -> None:
    assert has_signature_of(vector, signed[vector["name"]])


@pytest.mark.parametrize("vector", NOT_SIGNED, ids=names)
def test_what_is_not_signed_rightly_php_signs_otherwise(
    signed: dict[str, str], vector: dict[str, Any]
) -> None:
    assert not has_signature_of(vector, signed[vector["name"]])


def test_the_receiver_takes_what_php_signs_with_the_old_and_the_new_secret(
    site: Site, receiver: Service
) -> None:
    new = "whsec_" + "bmV3" * 8
    for secrets in (receiver.secret, f"{new} {receiver.secret}", f"{receiver.secret} {new}"):
        site.set(url=receiver.webhooks, secrets=secrets)
        assert site.cli("ping") == "receiver: confirmed\n"

    site.set(secrets=new)
    refused = site.run("-f", site.module / "tools/cli.php", "ping")
    assert (refused.returncode, refused.stderr) == (1, "receiver: answered 401\n")


def test_secrets_come_from_the_environment_or_the_file_first(site: Site) -> None:
    facts = "Bitrix\\Main\\Loader::includeModule('bitrixpipeline.outbox'); echo json_encode([Bitrixpipeline\\Outbox\\Settings::url(), count(Bitrixpipeline\\Outbox\\Settings::secrets())]);"
    file = Path(site.root / "bitrix/.settings.php")
    file.write_text(
        file.read_text().replace(
            "];\n", "'bitrixpipeline.outbox' => ['value' => ['url' => 'https://file']],\n];\n"
        )
    )
    assert json.loads(site.hit(facts)) == ["https://file", 1]

    site.environment = {"BITRIXPIPELINE_URL": "https://env", "BITRIXPIPELINE_SECRETS": "a b"}
    assert json.loads(site.hit(facts)) == ["https://env", 2]
