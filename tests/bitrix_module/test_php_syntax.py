"""The module runs on PHP 7.4: nothing of a later language, and no function that came later."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from bitrix_site import PHP, REPOSITORY

FILES = sorted(
    path
    for folder in ("bitrix_module", "bitrix_pipeline/demo/site")
    for path in (REPOSITORY / folder).rglob("*.php")
)
NAMES = [str(path.relative_to(REPOSITORY)) for path in FILES]

# Words of PHP 8 that are tokens of their own there.
LATER_TOKENS = {
    "T_MATCH", "T_ENUM", "T_READONLY", "T_ATTRIBUTE", "T_NULLSAFE_OBJECT_OPERATOR",
}  # fmt: skip
LATER_FUNCTIONS = re.compile(
    r"\b(str_contains|str_starts_with|str_ends_with|array_is_list|get_debug_type|fdiv|array_find"
    r"|array_any|array_all|mb_str_pad|mb_trim|json_validate|array_key_first_of|WeakMap|Stringable)\b"
)
TOKENS = """
$found = [];
foreach (token_get_all(file_get_contents($argv[1])) as $token) {
    $found[] = is_array($token) ? [token_name($token[0]), $token[1]] : ['', $token];
}
echo json_encode($found, JSON_INVALID_UTF8_SUBSTITUTE);
"""
# As they read once comments, strings and blanks are out of the way.
LATER_FORMS = {
    "a union type": r"[(,:]\??[\w\\]+\|[\w\\|]+(\$|\{)",
    "a promoted property": r"__construct\([^)]*\b(public|private|protected)\b",
    "a catch without a variable": r"catch\([\w\\|]+\)",
    "a comma after the last parameter": r"function\w*\([^()]*,\)",
    "a named argument": r"[(,][a-z]\w*:(?!:)[^?]",
    "static or mixed as a result": r"function\w*\s?\w*\([^{};]*\):\??(static|mixed|never|false|null|true)\b[^(]",
    "a throw within an expression": r"(\?\?|=>|\?|:)throw",
    "a first-class callable": r"\(\.\.\.\)",
}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_it_is_php_7_4(path: Path) -> None:
    done = subprocess.run(
        [PHP or "php", "-r", TOKENS, str(path)], capture_output=True, text=True, check=True
    )
    tokens: list[tuple[str, str]] = json.loads(done.stdout)
    assert {name for name, _ in tokens} & LATER_TOKENS == set()

    skipped = {
        "T_COMMENT",
        "T_DOC_COMMENT",
        "T_INLINE_HTML",
        "T_CONSTANT_ENCAPSED_STRING",
        "T_ENCAPSED_AND_WHITESPACE",
    }
    code = "".join(
        "''" if name in skipped else (" " if name == "T_WHITESPACE" else text)
        for name, text in tokens
    )
    assert not LATER_FUNCTIONS.search(code)
    dense = re.sub(r"\s*([^\w\s$])\s*", r"\1", code)
    assert [form for form, pattern in LATER_FORMS.items() if re.search(pattern, dense)] == []


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_it_stays_short_and_both_languages_have_the_same_phrases(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
    if "/lang/ru/" in str(path):
        english = Path(str(path).replace("/lang/ru/", "/lang/en/"))
        keys = re.compile(r"\$MESS\['(\w+)'\]")
        assert keys.findall(path.read_text()) == keys.findall(english.read_text())
