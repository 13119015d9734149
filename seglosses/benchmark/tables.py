"""The rows as files: tidy CSV, and the paper's tables in Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from seglosses.benchmark.comparison import Row, Stat
from seglosses.benchmark.results import METRICS
from seglosses.report.cells import markdown_line, write_table
from seglosses.report.charts import p_value
from seglosses.report.latex import ARROWS, tex, tex_line


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """A row per setting, set, metric and loss; an undefined number is an empty cell.

    Args:
        rows: Of :func:`seglosses.benchmark.comparison.compare`.
        path: File to write.
    """
    heads = [field.name for field in fields(Row)]
    write_table(path, heads, [list(map(_plain, asdict(row).values())) for row in rows])


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return "" if value != value else repr(value)
    return value


def blocks(rows: Sequence[Row]) -> Iterator[tuple[str, str, list[Row]]]:
    """Rows of each setting and set.

    Args:
        rows: Of :func:`seglosses.benchmark.comparison.compare`.

    Yields:
        Name of the setting, name of the set, and its rows.

    Example:
        >>> row = Row("s", "ID", "Dice", "clDice", mean=0.9, std=0.04, bold=True)
        >>> [(name, chosen, len(mine)) for name, chosen, mine in blocks([row, row])]
        [('s', 'ID', 2)]
    """
    for setting, chosen in dict.fromkeys((row.setting, row.set) for row in rows):
        mine = [row for row in rows if (row.setting, row.set) == (setting, chosen)]
        yield setting, chosen, mine


def cell(row: Row, stat: Stat) -> str:
    """Mean and spread; the mean alone where a single value has no spread, a dash without one.

    Args:
        row: One metric of one loss.
        stat: The protocol; the published one has two decimals throughout.

    Returns:
        A text.

    Example:
        >>> cell(Row("s", "ID", "Dice", "CEDice", mean=0.9061, std=0.0412), "paper")
        '0.91±0.04'
    """
    if row.mean != row.mean:
        return "–"
    digits = 2 if stat == "paper" else METRICS[row.metric].digits
    middle = f"{row.mean:.{digits}f}"
    return middle if row.std != row.std else f"{middle}±{row.std:.{digits}f}"


def change(row: Row) -> str:
    """The difference over runs and its interval for readers.

    Args:
        row: One metric of one loss.

    Returns:
        A text; a dash for the baseline.

    Example:
        >>> ends = {"difference_low": -1, "difference_high": 0}
        >>> change(Row("s", "ID", "HD95", "a", mean=1, std=0, difference=-0.5, **ends))
        '-0.50 [-1.00, +0.00]'
    """
    if row.difference != row.difference:
        return "–"
    digits = METRICS[row.metric].digits
    text = f"{row.difference:+.{digits}f}"
    if row.difference_low == row.difference_low:
        text += f" [{row.difference_low:+.{digits}f}, {row.difference_high:+.{digits}f}]"
    return text


EFFECT_HEADS = (
    "metric", "loss", "change over runs", "p over images", "p, Holm", "Cliff's δ", "median ratio",
)  # fmt: skip


def effects(rows: Sequence[Row]) -> list[list[str]]:
    """A line per metric and loss that was compared with the baseline.

    Args:
        rows: Of :func:`seglosses.benchmark.comparison.compare`.

    Returns:
        Texts under :data:`EFFECT_HEADS`.
    """
    return [
        [METRICS[row.metric].title, row.loss, change(row), p_value(row.p_single), p_value(row.p)]
        + ["–" if value != value else f"{value:.2f}" for value in (row.delta, row.ratio)]
        for row in rows
        if row.p == row.p
    ]


def as_markdown(rows: Sequence[Row], stat: Stat, notes: Sequence[str]) -> str:
    """The tables and what to know about them.

    Args:
        rows: Of :func:`seglosses.benchmark.comparison.compare`.
        stat: Their protocol.
        notes: How to read them.

    Returns:
        A document.

    Example:
        >>> row = Row("s", "ID", "Dice", "clDice", mean=0.9, std=0.04, bold=True)
        >>> "| clDice | **0.90±0.04** |" in as_markdown([row], "paper", [])
        True
    """
    lines = ["# Benchmark"]
    for setting, chosen, mine in blocks(rows):
        metrics = list(dict.fromkeys(row.metric for row in mine))
        heads = [f"{METRICS[metric].title} {METRICS[metric].arrow}" for metric in metrics]
        more = differing(mine)
        heads += more
        lines += ["", f"## {setting}, {chosen}", "", markdown_line(["loss", *heads])]
        lines.append(markdown_line(["---"] + ["---:"] * len(metrics) + ["---"] * len(more)))
        for loss in dict.fromkeys(row.loss for row in mine):
            of = {row.metric: row for row in mine if row.loss == loss}
            cells = [cell(of[metric], stat) for metric in metrics]
            marked = [mark(c, of[x], "**") for c, x in zip(cells, metrics, strict=True)]
            marked += [str(getattr(of[metrics[0]], name)) for name in more]
            lines.append(markdown_line([loss, *marked]))
        compared = effects(mine) if stat == "image" else []
        if compared:
            lines += ["", markdown_line(EFFECT_HEADS), markdown_line(["---", "---"] + ["---:"] * 5)]
            lines += [markdown_line(one) for one in compared]
    lines += ["", "## How to read this", "", *(f"- {note}" for note in notes), ""]
    return "\n".join(lines)


def differing(rows: Sequence[Row]) -> list[str]:
    """What a table needs a column for: that in which its losses differ beside their scores.

    Args:
        rows: Of one table.

    Returns:
        ``runs``, their number, and ``protocol``, or one of them, or none.

    Example:
        >>> rows = [Row("s", "ID", "Dice", "a", mean=1, std=0, protocol=p) for p in ("x", "y")]
        >>> differing(rows), differing(rows[:1])
        (['protocol'], [])
    """
    return [name for name in ("runs", "protocol") if len({getattr(r, name) for r in rows}) > 1]


def mark(text: str, row: Row, bold: str, *, star: str = "") -> str:
    """A cell in bold where the row is better over images and runs, with † where over images only.

    Args:
        text: The cell.
        row: What it shows.
        bold: What stands around bold text.
        star: What follows it.

    Returns:
        The cell.

    Example:
        >>> mark("0.9", Row("s", "ID", "Dice", "a", mean=0.9, std=0, images_only=True), "**")
        '0.9 †'
    """
    return f"{bold}{text}{star}{bold}" if row.bold else f"{text} †" if row.images_only else text


def as_latex(rows: Sequence[Row], stat: Stat) -> str:
    r"""One ``tabular`` a setting and set; wants the package booktabs.

    Args:
        rows: Of :func:`seglosses.benchmark.comparison.compare`.
        stat: Their protocol.

    Returns:
        Source to include.

    Example:
        >>> row = Row("s", "ID", "Dice", "clDice", mean=0.9, std=0.04, bold=True)
        >>> r"clDice & $\mathbf{0.90} \pm 0.04$" in as_latex([row], "paper")
        True
    """
    lines = ["% \\usepackage{booktabs}"]
    for setting, chosen, mine in blocks(rows):
        metrics = list(dict.fromkeys(row.metric for row in mine))
        heads = [f"{tex(METRICS[x].title)} ${ARROWS[METRICS[x].higher]}$" for x in metrics]
        more = differing(mine)
        heads += more
        columns = f"l{'r' * len(metrics)}{'l' * len(more)}"
        lines += ["", f"% {setting}, {chosen}", f"\\begin{{tabular}}{{{columns}}}"]
        lines += ["\\toprule", tex_line(["", *heads]), "\\midrule"]
        for loss in dict.fromkeys(row.loss for row in mine):
            of = {row.metric: row for row in mine if row.loss == loss}
            cells = [tex(loss)]
            for metric in metrics:
                middle, _, spread = cell(of[metric], stat).partition("±")
                text = f"\\mathbf{{{middle}}}" if of[metric].bold else middle
                dagger = "^{\\dagger}" * of[metric].images_only
                cells.append(f"${text}{dagger} \\pm {spread}$" if spread else f"${text}{dagger}$")
            texts = [str(getattr(of[metrics[0]], name)) for name in more]
            cells += [tex(text).replace("×", "$\\times$") for text in texts]
            lines.append(tex_line(cells))
        lines += ["\\bottomrule", "\\end{tabular}"]
    return "\n".join(lines) + "\n"
