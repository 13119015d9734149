"""Tables as CSV that neither a program nor a spreadsheet misreads."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path


def show(number: float) -> str:
    """Shortest text that reads back as the same number; empty for NaN.

    Args:
        number: Any number.

    Returns:
        A text.

    Example:
        >>> show(3.0), show(0.1), show(float("nan"))
        ('3', '0.1', '')
    """
    if math.isnan(number):
        return ""
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(float(number))


def markdown_line(texts: Iterable[str]) -> str:
    r"""A row of a table in Markdown.

    Args:
        texts: Of its cells.

    Returns:
        A line.

    Example:
        >>> markdown_line(["left | right", "0.5"])
        '| left \\| right | 0.5 |'
    """
    escaped = [text.replace("|", r"\|") for text in texts]
    return f"| {' | '.join(escaped)} |"


def cell(value: object) -> object:
    """A cell that no spreadsheet executes.

    A text that begins like a formula gets an apostrophe in front, as spreadsheets write such
    texts themselves; numbers stay.

    Args:
        value: A number or a text.

    Returns:
        What to write.

    Example:
        >>> cell("=1+1"), cell("-0.5"), cell(-0.5), cell("001")
        ("'=1+1", '-0.5', '-0.5', '001')
    """
    if isinstance(value, float):
        return show(value)
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def write_table(path: Path, heads: Sequence[object], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file; an undefined number is an empty cell.

    Args:
        path: File to write.
        heads: Its first row.
        rows: The others.
    """
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([cell(head) for head in heads])
        writer.writerows([cell(value) for value in row] for row in rows)
