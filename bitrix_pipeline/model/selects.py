"""The SELECTs that run in the shop's MySQL, built from a declaration and the shop's facts.

A row travels as one line of Postgres COPY text that MySQL itself writes, so Python moves bytes and
parses nothing. Fields are joined with the byte FF, which no UTF-8 text contains: one escape of the
joined row then serves all its fields, and the hash of the unescaped join cannot confuse two rows.
NULL and the zero-length string both arrive as an empty field, which COPY reads as NULL.
"""

from bitrix_pipeline.model.shop_facts import ShopFacts
from bitrix_pipeline.model.table import Table

FIELD_END = "CAST(x'FF' AS BINARY)"

# In this order: a backslash first, or it would escape the escapes.
ESCAPES = (
    ("x'00'", "x''"),
    ("x'5C'", "x'5C5C'"),
    ("x'09'", "x'5C74'"),
    ("x'0A'", "x'5C6E'"),
    ("x'0D'", "x'5C72'"),
    ("x'FF'", "x'09'"),
)


def row_lines(table: Table, shop: ShopFacts, *, fingerprint: str, where: str) -> str:
    """SELECT giving one row: how many lines, and all of them as one block of COPY text.

    The lines are `source_hash, id, …columns` in the order of the declaration, each ends in a newline.
    """
    line = _line(table, shop, fingerprint=fingerprint)
    return (
        f"SELECT COUNT(*), GROUP_CONCAT({line} SEPARATOR '') {source_rows(table, shop)} AND {where}"
    )


def single_lines(table: Table, shop: ShopFacts, *, fingerprint: str, where: str) -> str:
    """SELECT giving each line as a row of its own: for rows too large for GROUP_CONCAT."""
    line = _line(table, shop, fingerprint=fingerprint)
    return f"SELECT {line} {source_rows(table, shop)} AND {where}"


def content_buckets(table: Table, shop: ShopFacts, *, fingerprint: str, width: int) -> str:
    """SELECT giving (bucket, rows, xor of the rows' hashes) for a window of IDs [%s, %s)."""
    fields = _joined([shop.text(table.key), *_fields(table, shop)])
    row_hash = f"CAST(CONV({_hash_digits(fingerprint, fields)}, 16, 10) AS UNSIGNED)"
    return (
        f"SELECT {table.key} DIV {width} AS bucket, COUNT(*), BIT_XOR({row_hash}) "
        f"{source_rows(table, shop)} AND {table.key} >= %s AND {table.key} < %s "
        "GROUP BY bucket"
    )


def id_buckets(table: Table, shop: ShopFacts, *, width: int) -> str:
    """SELECT giving (bucket, rows, xor of the rows' IDs): finds new and vanished rows only."""
    return (
        f"SELECT {table.key} DIV {width} AS bucket, COUNT(*), BIT_XOR({table.key}) "
        f"FROM {table.source} WHERE {table.rows(shop)} "
        f"AND {table.key} >= %s AND {table.key} < %s GROUP BY bucket"
    )


def source_rows(table: Table, shop: ShopFacts) -> str:
    """FROM … WHERE: the rows of ours.

    The primary key is forced because the optimizer else prefers a flag's index for a window of IDs
    and reads the table once for each window.
    """
    force = "" if table.has_text_key else "FORCE INDEX (PRIMARY)"
    return f"FROM {table.source} {force} {table.joins(shop)} WHERE {table.rows(shop)}"


def _line(table: Table, shop: ShopFacts, *, fingerprint: str) -> str:
    """The hash and the line both need the joined fields, which are most of the work.

    MariaDB computes them once, in a variable (orders load in 0.56 of the time); MySQL, where
    assigning a variable inside an expression is deprecated, computes them twice.
    """
    fields = _joined([shop.text(table.key), *_fields(table, shop)])
    first, again = (
        (f"@fields := {fields}", "CAST(@fields AS BINARY)") if shop.is_mariadb else (fields, fields)
    )
    signed_hash = f"CONV({_hash_digits(fingerprint, first)}, 16, -10)"
    return f"CONCAT({signed_hash}, x'09', {_escaped(again)}, x'0A')"


def _hash_digits(fingerprint: str, fields: str) -> str:
    """64 bits of the row's SHA-256, in hexadecimal: MySQL 9 has no MD5 any more."""
    return f"LEFT(SHA2(CONCAT_WS({FIELD_END}, '{fingerprint}', {fields}), 256), 16)"


def _fields(table: Table, shop: ShopFacts) -> list[str]:
    return [f"COALESCE({column.source.sql(shop)}, '')" for column in table.columns]


def _joined(fields: list[str]) -> str:
    return f"CONCAT_WS({FIELD_END}, {', '.join(fields)})"


def _escaped(sql: str) -> str:
    for character, escape in ESCAPES:
        sql = f"REPLACE({sql}, {character}, {escape})"
    return sql
