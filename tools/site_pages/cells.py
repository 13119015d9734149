"""A hook of MkDocs: cells with a sentence say so, and a style gives them room on a phone."""

from __future__ import annotations

import re
from typing import Any

CELL = re.compile(r"<td([^>]*)>(.*?)</td>", re.DOTALL)
LONG = 40


def on_page_content(html: str, **_: Any) -> str:
    """Mark the cells of a page that hold more than a few words.

    Example:
        >>> on_page_content("<td>1</td>")
        '<td>1</td>'
        >>> on_page_content(f"<td>{40 * 'a '}</td>")[:17]
        '<td class="long">'
    """

    def mark(cell: re.Match[str]) -> str:
        long = len(re.sub(r"<[^>]+>", "", cell[2])) > LONG
        return f'<td class="long"{cell[1]}>{cell[2]}</td>' if long else cell[0]

    return CELL.sub(mark, html)
