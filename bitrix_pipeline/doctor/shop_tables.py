"""The shop's tables: whether they are there, whole, indexed, and how they store text and time."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from bitrix_pipeline.doctor.finding import Finding, listed, note, ok, problem, warning
from bitrix_pipeline.doctor.shop import Readable, Shop
from bitrix_pipeline.doctor.shop_needs import (
    HELPFUL_INDEXES,
    NEEDED_COLUMNS,
    needed_tables,
    source_tables,
)
from bitrix_pipeline.model import TABLES
from bitrix_pipeline.model.expressions import Instant, Latest

TOPIC = "shop tables"

SURE_SIGN = "b_user"
"""Every Bitrix has it, the editions without a shop too."""

TRANSACTIONAL = {"innodb", "rocksdb", "tokudb"}

# Under these a Russian shop's text is stored as what it is.
TRUE_CHARSETS = ("utf8", "cp1251", "koi8", "ascii", "utf16", "utf32", "ucs2")


def check_presence(shop: Shop) -> Iterator[Finding]:
    feeds = needed_tables()
    missing = [table for table in shop.tables_that_are(Readable.MISSING) if table in feeds]
    if SURE_SIGN in missing:
        yield problem(
            TOPIC,
            f"The database {shop.database} is no Bitrix site: it has no {SURE_SIGN}.",
            "Name the shop's database in BITRIX_MYSQL_URL; "
            "bitrix/.settings.php has it under connections → default → database.",
        )
    elif missing:
        ours = list(dict.fromkeys(name for table in missing for name in feeds[table]))
        yield problem(
            TOPIC,
            f"The shop has no {listed(missing)}, so {listed(ours)} cannot be synced.",
            "Check in Bitrix that the modules iblock, catalog and sale are installed.",
        )
    elif not shop.tables_that_are(Readable.FORBIDDEN):
        yield ok(TOPIC, f"{shop.database} is a Bitrix shop with all {len(feeds)} tables needed.")


def check_needed_columns(shop: Shop) -> Iterator[Finding]:
    for ours, columns in NEEDED_COLUMNS.items():
        missing = [c for c in columns if _has_table_of(shop, c) and not shop.facts.has(c)]
        if missing:
            yield problem(
                TOPIC,
                f"The shop has no {listed(missing)}, so {ours} cannot be synced.",
                "Check that the account may SELECT whole tables, not single columns; else restore "
                "what Bitrix made.",
            )


def check_columns(shop: Shop) -> Iterator[Finding]:
    needed = {column for columns in NEEDED_COLUMNS.values() for column in columns}
    missing = [
        column
        for column in _columns_read()
        if column not in needed and _has_table_of(shop, column) and not shop.facts.has(column)
    ]
    if missing:
        yield note(
            TOPIC,
            f"This version of Bitrix lacks {listed(missing, most=20)}; they arrive as NULL.",
        )
    else:
        yield ok(TOPIC, "The shop has every column that is read.")


def check_keys(shop: Shop) -> Iterator[Finding]:
    for table in TABLES:
        if shop.facts.has(table.key) and table.key not in shop.primary_keys:
            source, column = table.key.split(".")
            yield problem(
                TOPIC,
                f"{source} has no primary key on {column}, so {table.name} cannot be synced.",
                f"ALTER TABLE {source} ADD PRIMARY KEY ({column});",
            )


def check_indexes(shop: Shop) -> Iterator[Finding]:
    for indexed, consequence in HELPFUL_INDEXES.items():
        if shop.facts.has(indexed) and indexed not in shop.leading_index_columns:
            table, column = indexed.split(".")
            yield warning(
                TOPIC,
                f"{table} has no index that begins with {column}: {consequence}.",
                f"CREATE INDEX IXS_{column} ON {table} ({column});",
            )


def check_engines(shop: Shop) -> Iterator[Finding]:
    tables = defaultdict(list)
    for table in source_tables():
        engine = shop.facts.engines.get(table)
        # A view has no engine.
        if engine and engine != "None" and engine.lower() not in TRANSACTIONAL:
            tables[engine].append(table)
    for engine, names in tables.items():
        yield warning(
            TOPIC,
            f"{listed(names)} are {engine}, which has no consistent snapshot: a sync during a "
            "change may see half of it, until the next sync.",
            "Convert them in Bitrix's performance module, or: "
            + " ".join(f"ALTER TABLE {name} ENGINE=InnoDB;" for name in names),
        )
    if not tables:
        yield ok(TOPIC, "All tables give a consistent snapshot.")


def check_charsets(shop: Shop) -> Iterator[Finding]:
    tables: dict[str, list[str]] = defaultdict(list)
    for column in _columns_read():
        table, name = column.split(".")
        charset = shop.facts.columns[table][name].charset if shop.facts.has(column) else None
        if charset and charset != "utf8mb4" and table not in tables[charset]:
            tables[charset].append(table)
    for charset, names in tables.items():
        if charset.startswith(TRUE_CHARSETS):
            yield note(
                TOPIC,
                f"{listed(names, most=4)} store text in {charset}; it is converted when it is read, "
                "but an emoji typed in the shop is already stored as '?' there.",
                "Nothing has to be done; Bitrix can convert its database to utf8mb4.",
            )
        else:
            yield warning(
                TOPIC,
                f"{listed(names, most=4)} store text in {charset}, which has no Cyrillic letters: "
                "what a shop wrote there in cp1251 or utf8 arrives garbled.",
                "Look at names.",
            )
    if not tables:
        yield ok(TOPIC, "All text is stored as utf8mb4.")


def check_times(shop: Shop) -> Iterator[Finding]:
    sources = [column.source for table in TABLES for column in table.columns]
    times = [s.inputs for s in sources if isinstance(s, Instant | Latest)]
    known = [c for c in _flat(times) if shop.facts.has(c)]
    instants = [column for column in known if shop.facts.is_instant(column)]
    if instants and len(instants) < len(known):
        yield note(
            TOPIC,
            f"{listed(instants)} are TIMESTAMP, the other times DATETIME: the former are read as "
            f"instants, the latter as times in SHOP_TIMEZONE.",
        )


def _columns_read() -> list[str]:
    return _flat(table.source_columns for table in TABLES)


def _has_table_of(shop: Shop, column: str) -> bool:
    return shop.facts.has_table(column.split(".", maxsplit=1)[0])


def _flat(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group))


CHECKS: tuple[Callable[[Shop], Iterator[Finding]], ...] = (
    check_presence,
    check_needed_columns,
    check_columns,
    check_keys,
    check_indexes,
    check_engines,
    check_charsets,
    check_times,
)
