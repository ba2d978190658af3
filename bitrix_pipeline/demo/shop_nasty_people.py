"""Odd users of the sample shop."""

from __future__ import annotations

from bitrix_pipeline.demo.shop_nasty import AWKWARD_TEXTS, ZERO_DATE, Case, case, user

USER_CASES: tuple[Case, ...] = (
    case(
        "user never edited",
        "CUser::Add leaves TIMESTAMP_X NULL; a watermark on it never sees the user",
        user(15, TIMESTAMP_X=None),
        only_2026=True,
    ),
    case("user with zero dates", "a zero date becomes NULL",
         user(16, DATE_REGISTER=ZERO_DATE, TIMESTAMP_X=ZERO_DATE)),
    case("user with nothing", "a zero-length string becomes NULL, in every column",
         user(17, NAME="", LAST_NAME="", SECOND_NAME="", EMAIL="", PERSONAL_MOBILE="",
              PERSONAL_PHONE="", XML_ID="", LID="", EXTERNAL_AUTH_ID="")),
    case("user with NULLs", "NULL is not an empty string",
         user(18, NAME=None, LAST_NAME=None, EMAIL=None, LID=None, XML_ID=None)),
    case("user flags", "only a capital Y is true; MySQL compares without regard to case",
         user(19, ACTIVE="y", BLOCKED="y"), user(20, ACTIVE="", BLOCKED=""),
         user(21, ACTIVE="N", BLOCKED="Y")),
    case("phone of a space", "a space is not empty: the mobile wins over the other phone",
         user(22, PERSONAL_MOBILE=" ", PERSONAL_PHONE="+7 495 000-00-22")),
    case("phone of NUL bytes", "the first phone that is left empty gives way to the second",
         user(23, PERSONAL_MOBILE="\x00", PERSONAL_PHONE="+7 495 000-00-23")),
    case("two phones", "the mobile comes first",
         user(24, PERSONAL_MOBILE="+79160000024", PERSONAL_PHONE="84950000024")),
    case("one login twice", "LOGIN is unique only together with EXTERNAL_AUTH_ID",
         user(25, LOGIN="dvoinik", EXTERNAL_AUTH_ID=None),
         user(26, LOGIN="dvoinik", EXTERNAL_AUTH_ID="socservices"),
         user(27, LOGIN="dvoinik", EXTERNAL_AUTH_ID="email")),
    case("one e-mail twice", "EMAIL is not unique",
         user(28, EMAIL="semya@mail.example"), user(29, EMAIL="Semya@mail.example")),
    case("long fields", "nothing is cut",
         user(30, NAME="Ё" * 50, LAST_NAME="w" * 50, EMAIL="e" * 243 + "@x.example")),
    *(
        case(f"user name: {name}", "text is kept as it is, only NUL bytes go",
             user(60 + place, NAME=text[:50], LAST_NAME=text[:50], XML_ID=text))
        for place, (name, text) in enumerate(AWKWARD_TEXTS.items())
    ),
)  # fmt: skip
