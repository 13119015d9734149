"""What an evaluation found, in memory and as files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from seglosses.evaluate import topomortar
from seglosses.evaluate.codes import Side, remedy
from seglosses.evaluate.columns import Column
from seglosses.evaluate.listing import PairFiles, shorten
from seglosses.evaluate.settings import COUNTS, Settings
from seglosses.evaluate.summary import MACRO, SummaryRow, said_once, shows_foreground
from seglosses.evaluate.table import Table
from seglosses.report.cells import markdown_line, write_table


@dataclass(frozen=True)
class Failure:
    """An image that could not be scored.

    Args:
        image: Name of the image.
        reason: What is wrong and what to do.
        values: Values without a meaning, when that is what is wrong.
        side: Which file holds them.
    """

    image: str
    reason: str
    values: tuple[str, ...] = ()
    side: Side | None = None


def without_meaning(failures: Sequence[Failure]) -> str:
    """Which values have no meaning, in how many files, and what gives them one.

    Args:
        failures: Any.

    Returns:
        A sentence a side, an empty text when every value has a meaning.

    Example:
        >>> first = Failure("a", "", ("7", "255"), "prediction")
        >>> second = Failure("b", "", ("7",), "prediction")
        >>> without_meaning([first, second]).split(":")[0]
        'prediction files hold values without a meaning, 7 in 2 files, 255 in 1 file'
    """
    sentences = []
    for side in sorted({failure.side for failure in failures if failure.side is not None}):
        found = Counter(v for failure in failures if failure.side == side for v in failure.values)
        listed = shorten(
            [f"{value} in {n} file{'s' * (n > 1)}" for value, n in found.most_common()], 8
        )
        sentences.append(
            f"{side} files hold values without a meaning, {listed}: say what they mean with "
            f"{remedy(side)}"
        )
    return "; ".join(sentences)


@dataclass(frozen=True)
class Evaluation:
    """Scores of a folder of predictions.

    Args:
        table: Scores of every image and class.
        summary: Means with intervals, a row per class and metric.
        conventions: Everything that a reader must know to reproduce the numbers.
        failures: Images that are missing from the scores.
        pairs: The files of every image that was to be scored.
        settings: What the scores depend on.
    """

    table: Table
    summary: tuple[SummaryRow, ...]
    conventions: Mapping[str, object]
    failures: tuple[Failure, ...]
    pairs: Sequence[PairFiles]
    settings: Settings

    @property
    def columns(self) -> tuple[Column, ...]:
        """The metrics that are summarized; those of a foreign schema are not."""
        chosen = self.settings.chosen()
        return tuple(column for column in chosen if column.group != "topomortar")

    @property
    def no_score(self) -> str:
        """Why there is no score; an empty text when there is one.

        A score needs one true pixel of the foreground, in any image, that is not ignored.
        """
        if not len(self.table) or shows_foreground(self.table):
            return ""
        ignored = "" if self.table.matrix("pixels").any() else ", every pixel of it is ignored"
        return (
            f"no score: the ground truth of {len(self.table)} images shows no pixel of "
            f"{', '.join(self.table.classes)}{ignored}; its values: "
            f"{self.conventions['values in ground truth']}"
        )

    def mean(self, metric: str, cls: str | None = None) -> float:
        """Mean of a metric.

        Args:
            metric: Name of a metric in the summary, for example `dice` or `iou_dataset`.
            cls: Name of a class; None for the mean of all classes.

        Returns:
            The number in the summary.

        Raises:
            ValueError: When there is no such metric or class.

        Example:
            >>> from seglosses.evaluate.folders import evaluate
            >>> import tempfile
            >>> import numpy as np
            >>> with tempfile.TemporaryDirectory() as top:
            ...     np.save(Path(top) / "001.npy", np.array([[1, 0]]))
            ...     result = evaluate(top, top, metrics=["dice"])
            >>> result.mean("dice"), result.mean("dice_dataset", "foreground")
            (1.0, 1.0)
        """
        name = cls if cls is not None else (MACRO if len(self.table.classes) > 1 else None)
        for row in self.summary:
            if row.metric == metric and name in (None, row.cls):
                return row.mean
        known = sorted({row.metric for row in self.summary})
        raise ValueError(
            f"no {metric!r} of class {cls!r}: expected a metric of {', '.join(known)} and a class "
            f"of {', '.join(self.table.classes)}"
        )

    def as_text(self, *, verbose: bool = False, columns: int | None = None) -> str:
        """The summary as an aligned table.

        Args:
            verbose: Show every row of the summary: classes, scores of all pixels, by image, by
                class and of the worst images. By default one row per metric, of the only class
                or of the mean of classes; of calibration that of all images together.
            columns: Of the terminal; where rows are longer, the class of all of them is a heading.

        Returns:
            Lines, with the interval and the number of images.

        Example:
            >>> from seglosses.evaluate.folders import evaluate
            >>> import tempfile
            >>> import numpy as np
            >>> with tempfile.TemporaryDirectory() as top:
            ...     for name in ("001.npy", "002.npy"):
            ...         np.save(Path(top) / name, np.array([[1, 0]]))
            ...     result = evaluate(top, top, metrics=["dice"])
            >>> print(result.as_text().splitlines()[1])
            foreground  Dice                               1  [1, 1]                2
        """
        rows = said_once(self.summary) if verbose else self._headlines()
        width = max((len(row.title) for row in rows), default=6)
        first = max((len(row.cls) for row in rows), default=5)
        ends = [f"[{row.low:.4g}, {row.high:.4g}]" * (row.low == row.low) for row in rows]
        wide = max(18, *map(len, ends)) if ends else 18
        head = f"{'class':<{first}}  {'metric':<{width}}  {'mean':>9}"
        lines = [f"{head}  {'95 % interval':<{wide - 1}}images"]
        for row, between in zip(rows, ends, strict=True):
            # of the mean of classes they are counted by class
            scores = "scores " * (row.cls == MACRO)
            gone = f"  ({row.undefined} {scores}undefined)" if row.undefined else ""
            head = f"{row.cls:<{first}}  {row.title:<{width}}"
            lines.append(f"{head}  {row.mean:>9.4g}  {between:<{wide}} {row.n:>4}{gone}")
        if columns and max(map(len, lines)) > columns and len({row.cls for row in rows}) == 1:
            lines = [rows[0].cls, *(line[first + 2 :] for line in lines)]
        return "\n".join(lines)

    def _headlines(self) -> list[SummaryRow]:
        """A row of each metric."""
        main = self.table.classes[0] if len(self.table.classes) == 1 else MACRO
        found = {row.metric: row for row in self.summary if row.cls == main}
        names = (c.name if c.pooled is None else f"{c.name}_dataset" for c in self.columns)
        return said_once([found[name] for name in names])

    def write(self, out: str | Path) -> None:
        """Write per_image.csv, summary.csv, summary.md, conventions.json and failures.csv.

        Args:
            out: Folder, made when missing. failures.csv is there only when something failed.
        """
        out = Path(out)
        out.mkdir(parents=True, exist_ok=True)
        names = [column.name for column in self.columns]
        self.table.write_csv(out / "per_image.csv", [*names, *COUNTS])
        if set(topomortar.ORDER) <= set(self.table.columns):
            topomortar.write_csv(self.table, out / "topomortar.csv")
        write_summary_csv(self.summary, out / "summary.csv")
        (out / "summary.md").write_text(self.as_markdown(), "utf-8")
        text = json.dumps(self.conventions, indent=2, ensure_ascii=False, default=str)
        (out / "conventions.json").write_text(text + "\n", "utf-8")
        failed = out / "failures.csv"
        failed.unlink(missing_ok=True)
        if self.failures:
            rows = [(failure.image, failure.reason) for failure in self.failures]
            write_table(failed, ["image", "reason"], rows)

    def as_markdown(self) -> str:
        """Summary, failures and conventions as Markdown.

        Returns:
            A document.

        Example:
            >>> from seglosses.evaluate.folders import evaluate
            >>> import tempfile
            >>> import numpy as np
            >>> with tempfile.TemporaryDirectory() as top:
            ...     np.save(Path(top) / "001.npy", np.array([[1, 0]]))
            ...     result = evaluate(top, top, metrics=["dice"])
            >>> "| foreground | Dice ↑ | 1.0000 |" in result.as_markdown()
            True
        """
        lines = [
            "# Evaluation",
            "",
            f"{len(self.table)} images, {len(self.failures)} failed.",
            "",
            "| class | metric | mean | 95 % interval | std | median | images | undefined |",
            "|---|---|---:|---:|---:|---:|---:|---:|",
        ]
        for row in self.summary:
            arrow = "↑" if row.better == "higher" else "↓"
            cells = [row.cls, f"{row.title} {arrow}", f"{row.mean:.4f}"]
            between = f"{row.low:.4f} to {row.high:.4f}" if row.low == row.low else "–"
            cells += [between, _fixed(row.std), _fixed(row.median)]
            cells += [str(row.n), str(row.undefined)]
            lines.append(markdown_line(cells))
        if self.no_score:
            lines += ["", self.no_score]
        if self.failures:
            lines += ["", "## Not scored", ""]
            lines += [f"- {failure.image}: {failure.reason}" for failure in self.failures]
        lines += ["", "## Conventions", "", "```json"]
        lines += [
            json.dumps(self.conventions, indent=2, ensure_ascii=False, default=str),
            "```",
            "",
        ]
        return "\n".join(lines)


def _fixed(value: float) -> str:
    return "–" if value != value else f"{value:.4f}"


def write_summary_csv(summary: Sequence[SummaryRow], path: Path) -> None:
    """Write the summary, a row per class and metric; an undefined number is an empty cell.

    Args:
        summary: The rows.
        path: File to write.
    """
    heads = ["class", *list(SummaryRow.__dataclass_fields__)[1:]]
    write_table(path, heads, [list(asdict(row).values()) for row in summary])
