"""`bitrix-pipeline …` as an operator types it, over the shop and the CRM of the test."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import Outcome, typed
from shop_and_crm import STATUS_MAPPING, Pipeline, Shop

from bitrix_pipeline.settings import Settings

Type = Callable[..., Outcome]


@pytest.fixture
def type_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Type:
    """Types a command in an empty directory, with these settings and no others."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)

    def run(*words: str, **settings: str) -> Outcome:
        with pytest.MonkeyPatch.context() as environment:
            for name, value in settings.items():
                environment.setenv(name, value)
            return typed(words, capsys)

    return run


@pytest.fixture
def type_for(type_in: Type) -> Callable[[Pipeline], Type]:
    """Types commands for this shop and this CRM."""

    def settled(pipeline: Pipeline) -> Type:
        settings = {
            "BITRIX_MYSQL_URL": pipeline.shop.url,
            "POSTGRES_URL": pipeline.crm.url,
            "STATUS_MAPPING": json.dumps(STATUS_MAPPING),
        }
        return lambda *words, **more: type_in(*words, **{**settings, **more})

    return settled


@pytest.fixture
def operator(type_for: Callable[[Pipeline], Type], synced: Pipeline) -> Type:
    """Of a shop that was synced."""
    return type_for(synced)


@pytest.fixture
def reader(type_for: Callable[[Pipeline], Type], pristine_shop: Shop, synced_crm: object) -> Type:
    """Of the shop that no test changes."""
    return type_for(Pipeline(pristine_shop, synced_crm))  # type: ignore[arg-type]
