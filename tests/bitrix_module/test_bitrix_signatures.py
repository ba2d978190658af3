"""The vectors that the receiver and the sender share, signed by PHP."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from bitrix_site import PHP, REPOSITORY, SOURCE, Site
from receiving import Service

VECTORS = json.loads((REPOSITORY / "tests/receiver/signature_vectors.json").read_text("utf-8"))
SIGN = """
require '%s/lib/signature.php';
$signed = [];
foreach (json_decode(file_get_contents('%s'), true) as $vector) {
    $head = $vector['headers'];
    $signed[$vector['name']] = array_map(static function ($secret) use ($head, $vector) {
        return Bitrixpipeline\\Outbox\\Signature::header(
            [$secret], $head['webhook-id'] ?? '', (int)($head['webhook-timestamp'] ?? 0), base64_decode($vector['body_b64'])
        );
    }, $vector['secrets']);
}
echo json_encode($signed);
"""
OTHERWISE_SIGNED = (
    "sig_",
    "only_v1a",
    "body_one_space",
    "id_changed",
    "ts_changed",
    "rotation_old",
)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    vectors = tmp_path_factory.mktemp("vectors") / "vectors.json"
    vectors.write_text(json.dumps(VECTORS))
    done = subprocess.run(
        [PHP or "php", "-r", SIGN % (SOURCE, vectors)], capture_output=True, text=True, check=True
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_all_vectors_are_there(signed: dict[str, list[str]]) -> None:
    assert len(signed) == 43


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_php_signs_as_the_vector_says(signed: dict[str, list[str]], vector: dict[str, Any]) -> None:
    candidates = vector["headers"].get("webhook-signature", "").split(" ")
    is_found = any(header in candidates for header in signed[vector["name"]])
    if vector["expect"] == 202:
        assert is_found
    elif vector["name"].startswith(OTHERWISE_SIGNED):
        assert not is_found


def test_the_receiver_takes_what_php_signs_with_the_old_and_the_new_secret(
    site: Site, receiver: Service
) -> None:
    new = "whsec_" + "bmV3" * 8
    for secrets in (receiver.secret, f"{new} {receiver.secret}", f"{receiver.secret} {new}"):
        site.set(url=receiver.webhooks, secrets=secrets)
        assert site.cli("ping") == "receiver: answered 202\n"

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
