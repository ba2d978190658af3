"""The SELECTs that run in the shop's MySQL, built from a declaration and the shop's facts.

MySQL itself joins a row's values as text, in the form that `copy_text` describes, so Python moves
blocks of bytes and parses nothing.
"""

from bitrix_pipeline.model.copy_text import FIELD_END, ROW_END
from bitrix_pipeline.model.shop_facts import ShopFacts
from bitrix_pipeline.model.table import Table

END_OF_FIELD, END_OF_ROW = (f"CAST(x'{end.hex()}' AS BINARY)" for end in (FIELD_END, ROW_END))


def row_block(table: Table, shop: ShopFacts, *, fingerprint: str, where: str) -> str:
    """SELECT giving how many rows there are, and all of them as one block."""
    row = joined_row(table, shop, fingerprint=fingerprint)
    return (
        f"SELECT COUNT(*), GROUP_CONCAT({row} SEPARATOR '') {source_rows(table, shop)} AND {where}"
    )


def single_rows(table: Table, shop: ShopFacts, *, fingerprint: str, where: str) -> str:
    """SELECT giving each row by itself: for rows too large for GROUP_CONCAT."""
    row = joined_row(table, shop, fingerprint=fingerprint)
    return f"SELECT {row} {source_rows(table, shop)} AND {where}"


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


def joined_row(table: Table, shop: ShopFacts, *, fingerprint: str) -> str:
    """`source_hash, id, …columns` of one row, in the order of the declaration.

    The hash and the row both need the joined fields, which are most of the work.

    MariaDB computes them once, in a variable (orders load in 0.56 of the time); MySQL, where
    assigning a variable inside an expression is deprecated, computes them twice.
    """
    fields = _joined([shop.text(table.key), *_fields(table, shop)])
    first, again = (
        (f"@fields := {fields}", "CAST(@fields AS BINARY)") if shop.is_mariadb else (fields, fields)
    )
    signed_hash = f"CONV({_hash_digits(fingerprint, first)}, 16, -10)"
    return f"CONCAT({signed_hash}, {END_OF_FIELD}, {again}, {END_OF_ROW})"


def _hash_digits(fingerprint: str, fields: str) -> str:
    """64 bits of the row's SHA-256, in hexadecimal: MySQL 9 has no MD5 any more."""
    return f"LEFT(SHA2(CONCAT_WS({END_OF_FIELD}, '{fingerprint}', {fields}), 256), 16)"


def _fields(table: Table, shop: ShopFacts) -> list[str]:
    return [f"COALESCE({column.source.sql(shop)}, '')" for column in table.columns]


def _joined(fields: list[str]) -> str:
    return f"CONCAT_WS({END_OF_FIELD}, {', '.join(fields)})"
