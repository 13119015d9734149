"""The cells of the tables of a comparison, as texts."""

from __future__ import annotations

from seglosses.compare.paired import PairedRow
from seglosses.compare.sizes import SizeRow
from seglosses.report.charts import number, p_value

HEADS = ("metric", "A", "B", "B − A", "95 % interval", "p, Holm", "wins", "losses", "ties", "n")


SIZE_HEADS = (
    "size, pixels", "objects", "A covers", "B", "B − A", "95 % interval", "p, Holm",
    "wins", "losses", "A misses", "B", "A spurious", "B",
)  # fmt: skip


def cells(row: PairedRow) -> list[str]:
    """A row under :data:`HEADS`.

    Args:
        row: One metric.

    Returns:
        Texts.
    """
    mark = " ★" if row.won else " ☆" if row.lost else ""
    arrow = "↑" if row.better == "higher" else "↓"
    return [
        f"{row.title} {arrow}", number(row.mean_first), number(row.mean_second),
        f"{signed(row.difference)}{mark}", interval(row.low, row.high), p_value(row.p_holm),
        str(row.wins), str(row.losses), str(row.ties), str(row.n),
    ]  # fmt: skip


def size_cells(row: SizeRow) -> list[str]:
    """A row under :data:`SIZE_HEADS`.

    Args:
        row: Objects of one size.

    Returns:
        Texts.
    """
    mark = ""
    if row.p_holm < 0.05:
        mark = " ★" if row.difference > 0 else " ☆"
    return [
        row.size, str(row.objects), number(row.coverage_first), number(row.coverage_second),
        f"{signed(row.difference)}{mark}", interval(row.low, row.high), p_value(row.p_holm),
        str(row.wins), str(row.losses), str(row.missed_first), str(row.missed_second),
        str(row.spurious_first), str(row.spurious_second),
    ]  # fmt: skip


def signed(value: float) -> str:
    """A difference with its sign.

    Args:
        value: Any number.

    Returns:
        A text.

    Example:
        >>> signed(0.5), signed(-0.5), signed(0.0), signed(float("nan"))
        ('+0.5', '−0.5', '0', '–')
    """
    text = number(abs(value))
    return text if text in ("–", "0") else f"{'−' if value < 0 else '+'}{text}"


def interval(low: float, high: float) -> str:
    """Both ends of an interval of a difference.

    Args:
        low: NaN without one.
        high: The other end.

    Returns:
        A text.

    Example:
        >>> interval(-1, 0.25), interval(float("nan"), float("nan"))
        ('[−1, +0.25]', '–')
    """
    return f"[{signed(low)}, {signed(high)}]" if low == low else "–"
