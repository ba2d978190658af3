"""The rows that the other contenders carry: the columns that the declaration of order_items reads.

None of them converts a time zone, checks a reference or finds a deletion; only the pipe of our own
SELECT has MySQL compute a hash; the pipes and pandas build no key.
"""

from bitrix_pipeline.model import table_named

ORDER_ITEMS = table_named("order_items")
SOURCE = ORDER_ITEMS.source
COLUMNS = [
    name.removeprefix(f"{SOURCE}.")
    for name in ORDER_ITEMS.source_columns
    if name.startswith(f"{SOURCE}.")
]
TYPES = {c.source.inputs[0].removeprefix(f"{SOURCE}."): c.type.value for c in ORDER_ITEMS.columns}
IS_OURS = "ORDER_ID > 0"
SELECT = f"SELECT {', '.join(COLUMNS)} FROM {SOURCE} WHERE {IS_OURS}"


def pymysql_url(url: str) -> str:
    """For SQLAlchemy, which else takes another driver."""
    return url.replace("mysql://", "mysql+pymysql://", 1)
