"""The layers hold, the page that draws them tells the truth, and no file grows without bounds."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "bitrix_pipeline"

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50

# A migration is one long list of what it makes.
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent.name != "versions")


def contracts() -> list[dict[str, object]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, object]] = project["tool"]["importlinter"]["contracts"]
    return found


def test_imports_keep_to_the_contracts() -> None:
    linted = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert linted.returncode == 0, linted.stdout


def test_the_architecture_page_lists_the_layers_of_the_contract() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    [drawn] = re.findall(r"^```\n(cli\n.*?)^```$", page, re.MULTILINE | re.DOTALL)
    [layers] = [contract["layers"] for contract in contracts() if contract["type"] == "layers"]

    assert drawn.splitlines() == layers


def test_every_package_is_in_a_layer() -> None:
    [layers] = [contract["layers"] for contract in contracts() if contract["type"] == "layers"]
    assert isinstance(layers, list)
    modules = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py"}
    modules |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

    assert modules - {"__init__"} == {name for layer in layers for name in layer.split(" | ")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_and_its_functions_can_be_read_in_one_go(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= MAX_FILE_LINES
    assert {name: lines for name, lines in functions(text) if lines > MAX_FUNCTION_LINES} == {}


def functions(text: str) -> Iterator[tuple[str, int]]:
    """Each function with its number of lines, signature and docstring included."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield node.name, node.end_lineno - node.lineno + 1
