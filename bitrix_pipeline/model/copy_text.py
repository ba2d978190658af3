"""The form in which MySQL hands rows over, and Postgres' COPY text made of it.

MySQL joins a row's fields with the byte FF and ends the row with FE. UTF-8 text contains neither, so
a whole block of rows is escaped at once, field and row ends become tabs and newlines after that, and
the hash of the joined fields cannot confuse two rows. NULL and the zero-length string both are an
empty field, which COPY is told to read as NULL. Escaping here and not in the SELECT takes a quarter
of the time from MySQL: docs/decisions/0002-mysql-writes-copy-text.md.
"""

FIELD_END = b"\xff"
ROW_END = b"\xfe"

ESCAPES = ((b"\\", rb"\\"), (b"\t", rb"\t"), (b"\n", rb"\n"), (b"\r", rb"\r"))
"""In this order: a backslash first, or it would escape the escapes."""

ENDS = bytes.maketrans(FIELD_END + ROW_END, b"\t\n")


def copy_text(rows: bytes) -> bytes:
    """COPY text, one line a row; NUL bytes, which Postgres cannot hold, are left out."""
    if b"\0" in rows:
        rows = rows.replace(b"\0", b"")
    for character, escape in ESCAPES:
        rows = rows.replace(character, escape)
    return rows.translate(ENDS)
