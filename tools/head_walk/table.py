"""The table of heads in the docs."""

from __future__ import annotations

import difflib
import importlib
import inspect
import re

from head_walk.rows import Row
from head_walk.rules import rule_of, unwalked_because

WORDS = {"same": "the same value", "works": "works", "host's own": "no loss of ours for this"}


def rendered(found: list[Row]) -> str:
    """Rows as Markdown, those of equal heads once."""
    lines = [
        "| head | slot | the library's loss | ours | what comes out | config |",
        "|---|---|---|---|---|---|",
    ]
    seen: set[tuple[str, ...]] = set()
    for row in sorted(found, key=lambda r: (r.head.lower(), r.slot)):
        cells = (row.head, f"`{row.slot}`", row.host, row.ours or "none", said(row))
        if cells not in seen:
            seen.add(cells)
            lines.append(f"| {' | '.join(cells)} | {row.config.split('/')[0]} |")
    return "\n".join(lines)


def said(row: Row) -> str:
    """What comes out, in words."""
    if row.outcome in WORDS:
        return WORDS[row.outcome]
    rule = rule_of(row)
    if row.outcome == "warns":
        return f"a warning: {rule}"
    if row.outcome == "raises":
        return f"refused: {rule}"
    return f"the head's rule: {rule}"


def unexplained(found: list[Row]) -> list[str]:
    """Rows that nobody has looked at."""
    return [
        f"{row.config}: {row.head} {row.slot}, {row.ours}: {row.outcome}, {row.note}"
        for row in found
        if row.outcome not in WORDS and not rule_of(row)
    ]


def unwalked(library: str, found: list[Row]) -> list[str]:
    """Heads of a library that are in no row and have no reason for it."""
    registry = importlib.import_module(f"{library}.registry").MODELS
    walked = [registry.get(row.head) for row in found if row.head]
    missing = []
    for name, kind in registry.module_dict.items():
        home = kind.__module__
        is_head = home.startswith(f"{library}.") and re.search(r"\.(\w+_heads)\.", home)
        if not is_head or "tracking" in home or not _has_loss(kind):
            continue
        if not any(issubclass(each, kind) for each in walked) and not unwalked_because(name):
            missing.append(f"{library}: {name} is in no config that is walked")
    return missing


def _has_loss(kind: type) -> bool:
    named = [name for each in kind.__mro__ for name in inspect.signature(each.__init__).parameters]
    return any(name.startswith("loss") and name != "loss_weight" for name in named)


def part(page: str, library: str) -> str:
    """A library's table in the page."""
    return _pieces(page, library)[1]


def replaced(page: str, library: str, fresh: str) -> str:
    """The page with another table."""
    before, _, after = _pieces(page, library)
    return f"{before}{fresh}{after}"


def changed(old: str, new: str) -> list[str]:
    """Lines that differ."""
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), "page", "now", n=0, lineterm=""
    )
    return list(lines)


def _pieces(page: str, library: str) -> tuple[str, str, str]:
    start, end = f"<!-- {library} -->\n", f"\n<!-- end of {library} -->"
    before, rest = page.split(start)
    table, after = rest.split(end)
    return before + start, table, end + after
