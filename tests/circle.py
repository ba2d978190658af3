"""What the demo tells of the way from Bitrix through the CRM and back."""


def parts_of_the_circle(told: str) -> list[tuple[int, str]]:
    """Of each part how many orders went it, and their median seconds."""
    circle = told.split("The circle: ")[1].split("Bitrix MySQL → Postgres", maxsplit=1)[0]
    rows = [line.split("│") for line in circle.splitlines() if "→" in line and "│" in line]
    return [(int(orders), seconds.strip()) for *_, orders, seconds, _ in rows]
