"""Short names for the columns that declarations are made of: one line, one column."""

from bitrix_pipeline.model.expressions import (
    Choice,
    CrmStatus,
    Expression,
    FirstText,
    Flag,
    Identifier,
    Instant,
    Latest,
    Number,
    Text,
    TextIs,
)
from bitrix_pipeline.model.table import Column, Type


def bitrix_id(name: str, source: str) -> Column:
    description = "The Bitrix ID, equal to id; NULL for a row that the CRM made itself."
    return Column(name, Type.BIGINT, Number(source), description, is_unique=True)


def text(name: str, source: str, description: str, *, personal: bool = False) -> Column:
    return Column(name, Type.TEXT, Text(source), description, is_personal=personal)


def first_text(name: str, sources: tuple[str, ...], description: str) -> Column:
    return Column(name, Type.TEXT, FirstText(sources), description, is_personal=True)


def choice(name: str, source: str, words: dict[str, str], description: str) -> Column:
    return Column(name, Type.TEXT, Choice(source, tuple(words.items())), description)


def computed(
    name: str, type_: Type, source: Expression, description: str, *, personal: bool = False
) -> Column:
    return Column(name, type_, source, description, is_personal=personal)


def number(name: str, source: str, description: str) -> Column:
    return Column(name, Type.NUMERIC, Number(source), description)


def integer(name: str, source: str, description: str) -> Column:
    return Column(name, Type.INTEGER, Number(source), description)


def flag(name: str, source: str, description: str) -> Column:
    return Column(name, Type.BOOLEAN, Flag(source), description)


def text_is(name: str, source: str, value: str, description: str) -> Column:
    return Column(name, Type.BOOLEAN, TextIs(source, value), description)


def instant(name: str, source: str, description: str, *, indexed: bool = False) -> Column:
    return Column(name, Type.INSTANT, Instant(source), description, is_indexed=indexed)


def latest(name: str, sources: tuple[str, ...], description: str) -> Column:
    return Column(
        name,
        Type.INSTANT,
        Latest(sources),
        description,
        arrives_as="timestamptz[]",
        finished_by="(SELECT max(moment) FROM unnest({}) AS moment)",
    )


def reference(name: str, source: str | Expression, to: str, description: str) -> Column:
    expression = Identifier(source) if isinstance(source, str) else source
    return Column(name, Type.BIGINT, expression, description, references=to, is_indexed=True)


def crm_status(
    name: str, source: CrmStatus, description: str, *, unless: tuple[str, ...]
) -> Column:
    return Column(
        name,
        Type.TEXT,
        source,
        description,
        is_indexed=True,
        owned_by_crm_unless_changed=unless,
    )
