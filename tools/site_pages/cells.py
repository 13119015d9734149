"""A hook of MkDocs: cells with a sentence get room on a phone, and numbers stay on one line."""

from __future__ import annotations

import re
from typing import Any

CELL = re.compile(r"<td([^>]*)>(.*?)</td>", re.DOTALL)
LONG = 40
SPACE = re.compile(r" (?!\[)(?![^<]*>)")
"""In numbers a line may end before an interval only."""


def on_page_content(html: str, **_: Any) -> str:
    r"""Mark the cells of a page that hold more than a few words, and keep numbers whole.

    Example:
        >>> on_page_content("<td>1</td>")
        '<td>1</td>'
        >>> on_page_content(f"<td>{40 * 'a '}</td>")[:17]
        '<td class="long">'
        >>> on_page_content("<td>1 ± 2</td><td>1 [0, 2]</td><td>1 of 2</td>").replace("\xa0", "_")
        '<td>1_±_2</td><td>1 [0,_2]</td><td>1 of 2</td>'
    """

    def mark(cell: re.Match[str]) -> str:
        text = re.sub(r"<[^>]+>", "", cell[2])
        if len(text) > LONG:
            return f'<td class="long"{cell[1]}>{cell[2]}</td>'
        if not re.search(r"[^\W\d]", text):
            return f"<td{cell[1]}>{SPACE.sub(chr(0xA0), cell[2])}</td>"
        return cell[0]

    return CELL.sub(mark, html)
