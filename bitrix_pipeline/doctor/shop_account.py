"""What the account in BITRIX_MYSQL_URL may do: SELECT on the shop is enough, and best."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bitrix_pipeline.doctor.finding import Finding, listed, note, ok, problem, warning
from bitrix_pipeline.doctor.shop import Readable, Shop
from bitrix_pipeline.doctor.shop_needs import needed_tables

TOPIC = "MySQL account"

READER = "bitrix_reader"

# Reading, or looking at how the server does.
HARMLESS = {
    "BINLOG MONITOR",
    "REPLICA MONITOR",
    "REPLICATION CLIENT",
    "SELECT",
    "SHOW DATABASES",
    "SHOW VIEW",
    "SLAVE MONITOR",
    "USAGE",
}

GRANT = re.compile(r"GRANT (?P<privileges>.+?) ON (?:TABLE )?(?P<scope>.+?) TO ", re.IGNORECASE)
ROLE = re.compile(r"GRANT (?P<roles>`.+?) TO ", re.IGNORECASE)
COLUMNS = re.compile(r"\s*\([^)]*\)")


@dataclass(frozen=True)
class Grant:
    """Privileges on a scope such as `*.*`, `` `shop`.* `` or `` `shop`.`b_user` ``."""

    privileges: tuple[str, ...]
    scope: str

    @property
    def database(self) -> str:
        """The pattern of the databases that it is about."""
        return self.scope.split(".")[0].strip("`")

    def covers_only(self, database: str) -> bool:
        """In a grant `_` and `%` are wildcards unless a backslash stands before them."""
        if self.database in {"*", "%"}:
            return False
        parts = re.findall(r"\\.|.", self.database)
        wild = {"_": ".", "%": ".*"}
        pattern = "".join(wild.get(part) or re.escape(part.removeprefix("\\")) for part in parts)
        return re.fullmatch(pattern, database) is not None


def parse_grant(text: str) -> Grant | None:
    """A line of SHOW GRANTS without its end, which may hold a hash; None for a granted role."""
    found = GRANT.match(text)
    if not found:
        return None
    names = COLUMNS.sub("", found["privileges"]).split(",")
    privileges = [name.strip().upper() for name in names]
    if text.upper().endswith("WITH GRANT OPTION"):
        privileges.append("GRANT OPTION")
    return Grant(tuple(privileges), found["scope"])


def excesses(grants: list[Grant], database: str) -> list[str]:
    """What goes beyond reading the shop, for people."""
    found: list[str] = []
    for grant in grants:
        wide = [privilege for privilege in grant.privileges if privilege not in HARMLESS]
        if "SELECT" in grant.privileges and not grant.covers_only(database):
            wide.insert(0, "SELECT")
        if wide:
            found.append(f"{listed(wide, most=5)} on {grant.scope}")
    return found


def check_width(shop: Shop) -> Iterator[Finding]:
    lines = [str(row[0]) for row in shop.rows("SHOW GRANTS")]
    grants = [grant for line in lines if (grant := parse_grant(line))]
    wide = excesses(grants, shop.database)
    if wide:
        yield warning(
            TOPIC,
            f"{shop.account} may do more than read the shop: {listed(wide, most=4)}.",
            "Let the shop's administrator make an account that can only read, and put it into "
            f"BITRIX_MYSQL_URL: {statements_for_a_reader(shop)}",
        )
    else:
        yield ok(TOPIC, f"{shop.account} can read the shop and change nothing.")
    roles = [
        found["roles"] for line in lines if not GRANT.match(line) and (found := ROLE.match(line))
    ]
    if roles and not wide:
        yield note(
            TOPIC,
            f"{shop.account} also has the role {listed(roles)}, whose rights are not seen from here.",
            "Check that it grants SELECT alone.",
        )


def statements_for_a_reader(shop: Shop) -> str:
    """CREATE USER and GRANT for an account with SELECT on this shop and nothing else."""
    user, _, host = shop.account.rpartition("@")
    name = READER if user != READER else f"{READER}_2"
    return (
        f"CREATE USER '{name}'@'{host}' IDENTIFIED BY '<a long random password>'; "
        f"GRANT SELECT ON {_only(shop.database)}.* TO '{name}'@'{host}';"
    )


def check_reach(shop: Shop) -> Iterator[Finding]:
    forbidden = shop.tables_that_are(Readable.FORBIDDEN)
    feeds = needed_tables()
    needed = [table for table in forbidden if table in feeds]
    user, _, host = shop.account.rpartition("@")
    advice = (
        "Let the shop's administrator run: "
        f"GRANT SELECT ON {_only(shop.database)}.* TO '{user}'@'{host}';"
    )
    if needed:
        ours = list(dict.fromkeys(name for table in needed for name in feeds[table]))
        yield problem(
            TOPIC,
            f"{shop.account} may not read {listed(needed)}, so {listed(ours)} cannot be synced.",
            advice,
        )
    elif forbidden:
        yield warning(TOPIC, f"{shop.account} may not read {listed(forbidden)}.", advice)
    if broken := shop.tables_that_are(Readable.BROKEN):
        yield problem(
            TOPIC,
            f"MySQL cannot read {listed(broken)}: damaged, or a view without a valid definer.",
            f"Run CHECK TABLE {', '.join(broken)}; then REPAIR TABLE or a restore.",
        )


def _only(database: str) -> str:
    """A database's name in a GRANT, where an underscore would stand for any character."""
    escaped = database.replace("`", "``").replace("_", r"\_").replace("%", r"\%")
    return f"`{escaped}`"


CHECKS: tuple[Callable[[Shop], Iterator[Finding]], ...] = (check_width, check_reach)
