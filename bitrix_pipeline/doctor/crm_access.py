"""Who else can read what is ours: on Supabase, whatever `anon` may read, the whole Internet may."""

from collections.abc import Callable, Iterator

from bitrix_pipeline.doctor.crm import Crm
from bitrix_pipeline.doctor.finding import Finding, listed, ok, problem, warning
from bitrix_pipeline.model.migrate import PUBLIC_ROLES

TOPIC = "Postgres access"

# A view shows its readers what its owner sees, row level security or not, so views of our tables,
# and views of those, count as ours; not those that look with the reader's own rights. A right on a
# single column is a right. 'public' stands for everyone.
OPEN = """
WITH RECURSIVE ours AS (
    SELECT c.oid FROM unnest(%s::text[], %s::text[]) AS given (schema, name)
    JOIN pg_namespace AS n ON n.nspname = given.schema
    JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = given.name
    UNION
    SELECT v.oid FROM ours
    JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = ours.oid
                       AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite AS r ON r.oid = d.objid
    JOIN pg_class AS v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
    WHERE NOT EXISTS (SELECT FROM pg_options_to_table(v.reloptions)
                      WHERE option_name = 'security_invoker' AND option_value::bool)
)
SELECT n.nspname || '.' || c.relname, c.relkind IN ('v', 'm'), array_agg(role ORDER BY role)
FROM ours JOIN pg_class AS c USING (oid) JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN (SELECT 'public' AS role UNION ALL
            SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)) AS everyone
WHERE has_table_privilege(role, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
   OR has_any_column_privilege(role, c.oid, 'SELECT, INSERT, UPDATE')
GROUP BY 1, 2 ORDER BY 1
"""

UNPROTECTED = """
SELECT n.nspname || '.' || c.relname FROM unnest(%s::text[], %s::text[]) AS given (schema, name)
JOIN pg_namespace AS n ON n.nspname = given.schema
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = given.name
WHERE NOT c.relrowsecurity ORDER BY 1
"""


def check_grants(crm: Crm) -> Iterator[Finding]:
    found = crm.rows(OPEN, *_names(crm), list(PUBLIC_ROLES))
    tables = {name: roles for name, is_view, roles in found if not is_view}
    views = {name: roles for name, is_view, roles in found if is_view}
    if tables:
        yield problem(
            TOPIC,
            f"{_everyone(tables)} can read or write {listed(list(tables))}.",
            "Run bitrix-pipeline migrate, which takes these rights back.",
        )
    if views:
        revokes = " ".join(
            f"REVOKE ALL ON {name} FROM {', '.join(map(_spoken, roles))};"
            for name, roles in views.items()
        )
        yield problem(
            TOPIC,
            f"{_everyone(views)} can read our rows through the view {listed(list(views))}.",
            f"{revokes} Or let it look with its reader's rights: "
            f"ALTER VIEW {next(iter(views))} SET (security_invoker = true);",
        )
    if crm.existing_tables and not found:
        yield ok(TOPIC, "PUBLIC, anon and authenticated can read nothing of ours.")


def check_row_level_security(crm: Crm) -> Iterator[Finding]:
    unprotected = [str(row[0]) for row in crm.rows(UNPROTECTED, *_names(crm))]
    if unprotected:
        yield warning(
            TOPIC,
            f"Row level security is off for {listed(unprotected)}: one careless GRANT opens it.",
            "Run bitrix-pipeline migrate, which turns it on.",
        )
    elif crm.existing_tables:
        yield ok(TOPIC, "Row level security is on for every table of ours.")


def _names(crm: Crm) -> tuple[list[str], list[str]]:
    schemas, names = zip(*crm.our_tables, strict=True)
    return list(schemas), list(names)


def _everyone(found: dict[str, list[str]]) -> str:
    """Whom to name; a right of PUBLIC's is everyone's."""
    roles = sorted({role for roles in found.values() for role in roles})
    return _spoken("public") if "public" in roles else listed(roles)


def _spoken(role: str) -> str:
    return "PUBLIC" if role == "public" else role


CHECKS: tuple[Callable[[Crm], Iterator[Finding]], ...] = (check_grants, check_row_level_security)
