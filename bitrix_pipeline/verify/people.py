"""users: every row of b_user. Credential columns are never selected."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from bitrix_pipeline.verify.clock import Clock
from bitrix_pipeline.verify.expected import ExpectedRow
from bitrix_pipeline.verify.source import RawRow
from bitrix_pipeline.verify.values import first_text, flag, text


class Users:
    source_table: ClassVar[str] = "b_user"
    source_columns: ClassVar[tuple[str, ...]] = (
        "ID",
        "LOGIN",
        "EMAIL",
        "NAME",
        "LAST_NAME",
        "SECOND_NAME",
        "PERSONAL_MOBILE",
        "PERSONAL_PHONE",
        "ACTIVE",
        "BLOCKED",
        "EXTERNAL_AUTH_ID",
        "LID",
        "XML_ID",
        "DATE_REGISTER",
        "TIMESTAMP_X",
    )

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock

    def rows(self, page: Sequence[RawRow]) -> Iterator[ExpectedRow]:
        registered = self._clock.read(self.source_table, "DATE_REGISTER", page)
        updated = self._clock.read(self.source_table, "TIMESTAMP_X", page)
        for row, registered_at, updated_at in zip(page, registered, updated, strict=True):
            yield {
                "id": int(row["ID"]),
                "login": text(row["LOGIN"]),
                "email": text(row["EMAIL"]),
                "first_name": text(row["NAME"]),
                "last_name": text(row["LAST_NAME"]),
                "middle_name": text(row["SECOND_NAME"]),
                "phone": first_text(row["PERSONAL_MOBILE"], row["PERSONAL_PHONE"]),
                "is_active": flag(row["ACTIVE"]),
                "is_blocked": flag(row["BLOCKED"]),
                "external_auth_id": text(row["EXTERNAL_AUTH_ID"]),
                "is_anonymous": text(row["EXTERNAL_AUTH_ID"]) == "saleanonymous",
                "site_id": text(row["LID"]),
                "xml_id": text(row["XML_ID"]),
                "registered_at": registered_at,
                "updated_at": updated_at,
            }
