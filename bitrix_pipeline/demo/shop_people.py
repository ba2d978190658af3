"""The sample shop's ordinary users and their carts' owners, generated in SQL."""

from __future__ import annotations

from bitrix_pipeline.demo.shop_reference import ANONYMOUS_USER
from bitrix_pipeline.demo.shop_sql import Fill, Row, chance, pick, spread, token, word
from bitrix_pipeline.demo.shop_words import (
    CITIES,
    MAIL_HOSTS,
    MAIL_NAMES,
    MEN,
    PATRONYMICS,
    SURNAMES,
    WOMEN,
)


def user_id(row: str) -> str:
    """The ID of the user with this number: growing, with gaps."""
    return f"(157 + 3 * {row} + {pick('user-id', row, 3)})"


def fuser_id(row: str) -> str:
    """The cart's owner that belongs to the user with this number."""
    return f"(211 + 5 * {row} + {pick('fuser-id', row, 4)})"


def phone(salt: str, row: str) -> str:
    """A mobile number, written as people write it."""
    area = f"(900 + {pick(salt + '-area', row, 99)})"
    rest = f"LPAD({pick(salt + '-rest', row, 10_000_000)}, 7, '0')"
    dashed = f"INSERT(INSERT({rest}, 6, 0, '-'), 4, 0, '-')"
    return (
        f"CASE {pick(salt + '-style', row, 3)} "
        f"WHEN 0 THEN CONCAT('+7 (', {area}, ') ', {dashed}) "
        f"WHEN 1 THEN CONCAT('8', {area}, {rest}) "
        f"ELSE CONCAT('+7', {area}, {rest}) END"
    )


def first_name(row: str, *, woman: str) -> str:
    return f"IF({woman}, {word('woman', row, WOMEN)}, {word('man', row, MEN)})"


def last_name(row: str, *, woman: str) -> str:
    return f"CONCAT({word('surname', row, SURNAMES)}, IF({woman}, 'а', ''))"


def email(salt: str, row: str) -> str:
    name = word(salt + "-mail", row, MAIL_NAMES)
    host = word(salt + "-host", row, MAIL_HOSTS)
    return f"CONCAT({name}, {row}, '@', {host})"


# Three of four buyers of flowers for a woman are men, of flowers for the home women.
WOMAN = chance("sex", "n", 55)
REGISTERED = spread("n", "@users", start="2010-02-14 09:00:00", days=6_000)

USERS = Fill(
    table="b_user",
    source="numbers WHERE n < @users",
    values={
        "ID": user_id("n"),
        # Never edited: NULL today; the old column was stamped at the registration.
        "TIMESTAMP_X": f"IF({chance('edited', 'n', 60)}, "
        f"{REGISTERED} + INTERVAL {pick('edit-day', 'n', 90)} DAY, "
        f"IF(@era = '2015', {REGISTERED}, NULL))",
        "LOGIN": f"IF({chance('login', 'n', 50)}, {email('user', 'n')}, CONCAT('user_', n))",
        "PASSWORD": f"CONCAT('$6$', {token('password', 'n')})",
        "CHECKWORD": token("checkword", "n"),
        "STORED_HASH": f"IF({chance('hash', 'n', 10)}, {token('stored', 'n')}, NULL)",
        "ACTIVE": f"IF({chance('inactive', 'n', 3)}, 'N', 'Y')",
        "BLOCKED": f"IF({chance('blocked', 'n', 1)}, 'Y', 'N')",
        "NAME": first_name("n", woman=WOMAN),
        "LAST_NAME": f"IF({chance('no-surname', 'n', 20)}, '', {last_name('n', woman=WOMAN)})",
        "SECOND_NAME": f"IF({chance('patronymic', 'n', 35)}, "
        f"CONCAT({word('patronymic', 'n', PATRONYMICS)}, IF({WOMAN}, 'на', 'ич')), NULL)",
        "EMAIL": f"IF({chance('no-mail', 'n', 4)}, '', {email('user', 'n')})",
        "PERSONAL_MOBILE": f"IF({chance('mobile', 'n', 55)}, {phone('mobile', 'n')}, '')",
        "PERSONAL_PHONE": f"IF({chance('phone', 'n', 60)}, {phone('phone', 'n')}, NULL)",
        "PERSONAL_CITY": f"IF({chance('city', 'n', 40)}, {word('city', 'n', CITIES)}, NULL)",
        "PERSONAL_GENDER": f"IF({WOMAN}, 'F', 'M')",
        "LID": f"IF({chance('site', 'n', 8)}, 's2', 's1')",
        "XML_ID": f"IF({chance('xml', 'n', 30)}, CONCAT('1c-', {token('user', 'n')}), NULL)",
        "EXTERNAL_AUTH_ID": f"IF({chance('social', 'n', 5)}, 'socservices', NULL)",
        "DATE_REGISTER": REGISTERED,
        "LAST_LOGIN": f"{REGISTERED} + INTERVAL {pick('login-day', 'n', 400)} DAY",
    },
)

CART_OWNERS = Fill(
    table="b_sale_fuser",
    source="numbers WHERE n < @users",
    values={
        "ID": fuser_id("n"),
        "DATE_INSERT": REGISTERED,
        "DATE_UPDATE": REGISTERED,
        "USER_ID": f"IF({chance('guest', 'n', 15)}, NULL, {user_id('n')})",
        "CODE": token("fuser", "n"),
    },
)

STAFF: list[Row] = [
    {"ID": 5, "LOGIN": "admin", "NAME": "Администратор", "EMAIL": "admin@buket.example",
     "PASSWORD": "$6$admin", "DATE_REGISTER": "2010-02-01 10:00:00", "LID": "s1",
     "TIMESTAMP_X": "2024-05-05 10:00:00"},
    {"ID": ANONYMOUS_USER, "LOGIN": "anonymous_f3Qx", "EMAIL": "anonymous_f3Qx@example.com",
     "PASSWORD": "$6$none", "ACTIVE": "N", "EXTERNAL_AUTH_ID": "saleanonymous", "LID": "s1",
     "DATE_REGISTER": "2010-02-01 10:05:00", "NAME": "", "LAST_NAME": "",
     "TIMESTAMP_X": "2010-02-01 10:05:00"},
]  # fmt: skip
