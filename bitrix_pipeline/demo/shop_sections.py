"""The section trees of the sample shop, three levels deep, numbered as Bitrix does."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bitrix_pipeline.demo.shop_sql import Row

NEWS = 4
FLOWERS = 7
FLOWER_OFFERS = 9
GIFTS = 12
GIFT_OFFERS = 15

Tree = dict[str, dict[str, tuple[str, ...]]]

TREES: Mapping[int, Tree] = {
    NEWS: {"Новости": {"Акции": ("Скидки недели",), "Вакансии": ()}},
    FLOWERS: {
        "Букеты": {
            "Букеты из роз": ("51 роза", "101 роза", "Розы в коробке"),
            "Авторские букеты": ("Весна", "Осень", "Монобукеты"),
            "Свадебные букеты": ("Букет невесты", "Бутоньерки"),
        },
        "Цветы поштучно": {
            "Розы": ("Розы Эквадор", "Розы Кения", "Кустовые розы"),
            "Тюльпаны": ("Пионовидные тюльпаны",),
            "Хризантемы": ("Кустовые", "Одноголовые"),
        },
        "Композиции": {"В шляпной коробке": ("Малые", "Средние", "Большие"), "Корзины": ()},
    },
    FLOWER_OFFERS: {"Варианты букетов": {"По размеру": ("S", "M", "L")}},
    GIFTS: {
        "Горшки и кашпо": {
            "Горшки": ("Керамика", "Терракота"),
            "Кашпо": ("Подвесные", "Напольные"),
        },
        "Открытки": {"Праздники": ("День рождения", "8 Марта", "Новый год")},
        "Подарки": {"Сладости": ("Шоколад", "Макаронс"), "Игрушки": ("Медведи",)},
    },
    GIFT_OFFERS: {"Варианты подарков": {"По цвету": ("Тёмные", "Светлые")}},
}
# Where the shop hangs a section for each new collection.
COLLECTIONS_PARENT = "Авторские букеты"


@dataclass(kw_only=True)
class Section:
    """One section with its place in the iblock's nested set."""

    id: int
    iblock_id: int
    parent_id: int | None
    name: str
    depth: int
    left: int
    right: int = 0
    has_children: bool = False
    is_active: bool = True
    is_visible: bool = True

    def row(self) -> Row:
        return {
            "ID": self.id,
            "TIMESTAMP_X": f"2024-{1 + self.id % 12:02}-{1 + self.id % 28:02} 10:20:30",
            "DATE_CREATE": "2012-05-06 11:00:00",
            "IBLOCK_ID": self.iblock_id,
            "IBLOCK_SECTION_ID": self.parent_id,
            "ACTIVE": "Y" if self.is_active else "N",
            "GLOBAL_ACTIVE": "Y" if self.is_visible else "N",
            "SORT": 100 + 10 * (self.id % 50),
            "NAME": self.name,
            "DESCRIPTION": f"{self.name}: с доставкой по городу",
            "SEARCHABLE_CONTENT": f"{self.name}: с доставкой по городу".upper(),
            "LEFT_MARGIN": self.left,
            "RIGHT_MARGIN": self.right,
            "DEPTH_LEVEL": self.depth,
            "CODE": f"section-{self.id}",
            "XML_ID": f"sec-{self.id:05}" if self.id % 4 else "",
        }


@dataclass
class Numbering:
    """Draws section IDs with gaps and the nested-set margins of one iblock."""

    ids: Iterator[int]
    margins: Iterator[int] = field(default_factory=lambda: count(1))


def sections(collections: int) -> list[Section]:
    """All sections; ``collections`` more of the deepest level for a larger shop."""
    ids = (141 + 3 * n + n % 2 for n in count())
    found: list[Section] = []
    for iblock_id, tree in TREES.items():
        numbering = Numbering(ids)
        for name, children in tree.items():
            found += branch(iblock_id, name, children, numbering, collections)
    return found


def branch(
    iblock_id: int,
    name: str,
    children: Mapping[str, tuple[str, ...]],
    numbering: Numbering,
    collections: int,
) -> list[Section]:
    """One root section with the two levels below it."""
    root = opened(iblock_id, None, name, numbering)
    found = [root]
    for child_name, leaf_names in children.items():
        child = opened(iblock_id, root, child_name, numbering)
        found.append(child)
        more = collections if child_name == COLLECTIONS_PARENT else 0
        for leaf_name in (*leaf_names, *(f"Коллекция № {n + 1}" for n in range(more))):
            leaf = opened(iblock_id, child, leaf_name, numbering)
            leaf.right = next(numbering.margins)
            found.append(leaf)
        child.right = next(numbering.margins)
    root.right = next(numbering.margins)
    return found


def opened(iblock_id: int, parent: Section | None, name: str, numbering: Numbering) -> Section:
    """A section whose children, if any, are still to come."""
    section = Section(
        id=next(numbering.ids),
        iblock_id=iblock_id,
        parent_id=parent.id if parent else None,
        name=name,
        depth=parent.depth + 1 if parent else 1,
        left=next(numbering.margins),
        # A closed section hides those below it, which stay active themselves.
        is_active=name not in ("Осень", "Кашпо"),
    )
    section.is_visible = section.is_active and (parent is None or parent.is_visible)
    if parent:
        parent.has_children = True
    return section


def leaves(all_sections: list[Section], iblock_id: int) -> list[int]:
    """The sections that hold elements."""
    return [s.id for s in all_sections if s.iblock_id == iblock_id and not s.has_children]
