"""The comparison of evaluations, and its tables as text, CSV, Markdown and LaTeX."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from seglosses.compare.cells import HEADS, SIZE_HEADS, cells, size_cells
from seglosses.compare.paired import Paired, PairedRow, paired_rows
from seglosses.compare.sizes import SizeRow, size_rows
from seglosses.evaluate.result import Evaluation
from seglosses.report.cells import markdown_line, write_table
from seglosses.report.latex import tex, tex_line


@dataclass(frozen=True)
class Comparison:
    """Folders of predictions against each other.

    Attributes:
        paired: Their scores.
        pairs: Which is compared with which: the one to compare with comes first.
        rows: One per pair and metric.
        class_rows: The same for each class; none where there is one.
        size_rows: Objects by size.
        flips: Number of sign flips of every test.
    """

    paired: Paired
    pairs: Sequence[tuple[str, str]]
    rows: Sequence[PairedRow]
    class_rows: Sequence[PairedRow]
    size_rows: Sequence[SizeRow]
    flips: int

    @property
    def nothing(self) -> str:
        """Why no row compares anything; empty where one does."""
        if any(row.n for row in self.rows):
            return ""
        count = len(self.paired.images)
        images = "the image" if count == 1 else f"any of {count} images"
        return (
            f"nothing was compared: no metric is defined under both folders in {images};"
            " do the label maps show a foreground?"
        )

    def notes(self) -> list[str]:
        """How to read the numbers.

        Returns:
            Sentences.
        """
        n, least, lower = len(self.paired.images), self._least(), self._lower()
        tests = max(1, self._tests())
        return [
            *([f"{self.nothing[0].upper()}{self.nothing[1:]}"] if self.nothing else []),
            f"{n} images that all folders have; a row counts those where both folders define the "
            "metric (n).",
            "Differences are paired, image by image; intervals hold 95 %, studentised bootstrap "
            "over images. They say what other images of this kind would show, not what another "
            "training would.",
            "p: two-sided sign flips over images, all patterns of signs where there are no more "
            f"than {self.flips} and else as many random ones, seeded; corrected by Holm for all "
            f"tests of its table. The smallest p that is possible here is {least:.2g} of one test "
            f"and {min(1.0, least * tests):.2g} after correction for the {tests} of the first "
            f"table; {lower} would lower it.",
            "★ B is better with a corrected p below 0.05, ☆ it is worse. Wins: images on which B "
            "is better.",
            "Of sizes: an object is a component of the true mask, covered is the share of its "
            "pixels that a folder has, and a spurious object is a component of a prediction that "
            "meets no true pixel. Wins and losses count objects, tests and intervals take the "
            "objects of an image together.",
        ]

    def _tests(self) -> int:
        """How many rows of the first table are tests; one without a pair is none."""
        return sum(math.isfinite(row.p) for row in self.rows)

    def _pairs(self) -> int:
        """The most images of any test."""
        return max((row.n for row in self.rows if math.isfinite(row.p)), default=0)

    def _least(self) -> float:
        """The smallest p of one test."""
        pairs = self._pairs()
        drawn = 1 / (self.flips + 1) if pairs > math.log2(self.flips) else 0.0
        return min(1.0, max(2.0 ** (1 - pairs), drawn))

    def _lower(self) -> str:
        """What would lower the smallest p."""
        few = 2.0 ** (1 - self._pairs()) >= 1 / (self.flips + 1)
        return "more images" if few else "more flips (--flips)"

    def as_text(self, width: int | None = None) -> str:
        """The table of metrics for a terminal, one row per metric and pair.

        Args:
            width: Columns of the terminal, into which counts and then the interval may not fit;
                None shows them all.

        Returns:
            Lines; the last one says so where no p can fall below 0.05.
        """
        lines: list[str] = []
        gone: list[str] = []
        for first, second in self.pairs:
            lines += [*([""] if lines else []), f"A = {first}, B = {second}"]
            table = [list(HEADS)]
            table += [cells(row) for row in self.rows if (row.first, row.second) == (first, second)]
            table, gone = _narrowed(table, width)
            widths = [max(map(len, column)) for column in zip(*table, strict=True)]
            for line in table:
                texts = [line[0].ljust(widths[0])]
                texts += [text.rjust(wide) for text, wide in zip(line[1:], widths[1:], strict=True)]
                lines.append("  ".join(texts))
        if gone:
            lines.append(f"{', '.join(gone)}: too wide for this terminal, see comparison.csv")
        count, least, tests = self._pairs(), self._least(), self._tests()
        images = "1 image allows" if count == 1 else f"{count} images allow"
        if self.nothing:
            lines.append(self.nothing)
        elif least * tests >= 0.05:
            lines.append(
                f"no row can be significant: {images} no p below {least:.2g}, which the correction"
                f" multiplies by up to {tests}; fewer --metrics or {self._lower()} would lower it"
            )
        return "\n".join(lines)

    def as_markdown(self) -> str:
        """All tables, and how to read them.

        Returns:
            A document.
        """
        lines = ["# Comparison"]
        for first, second in self.pairs:
            lines += ["", f"## A = {first}, B = {second}"]
            for heads, body in self.tables(first, second):
                lines += [
                    "",
                    markdown_line(heads),
                    markdown_line(["---", *["---:"] * (len(heads) - 1)]),
                ]
                lines += [markdown_line(row) for row in body]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes()), ""])

    def as_latex(self) -> str:
        r"""A ``tabular`` a table; wants the package booktabs.

        Returns:
            Source to include.
        """
        lines = ["% \\usepackage{booktabs}", *(f"% {note}" for note in self.notes())]
        for first, second in self.pairs:
            for heads, body in self.tables(first, second):
                shown = [_named(head, first, second) for head in heads]
                lines += ["", f"% A = {first}, B = {second}"]
                lines += [f"\\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}", "\\toprule"]
                lines += [tex_line([tex(text) for text in shown]), "\\midrule"]
                lines += [
                    tex_line(
                        [tex(text).replace("★", "$^{*}$").replace("☆", "$^{-}$") for text in row]
                    )
                    for row in body
                ]
                lines += ["\\bottomrule", "\\end{tabular}"]
        return "\n".join(lines) + "\n"

    def tables(self, first: str, second: str) -> list[tuple[list[str], list[list[str]]]]:
        """The tables of a pair: metrics, metrics by class, objects by size.

        Args:
            first: Name of the folder to compare with.
            second: Name of the folder that is compared.

        Returns:
            Headings and rows of each table that has any.
        """
        pair = (first, second)
        mine = [row for row in self.rows if (row.first, row.second) == pair]
        parts = [row for row in self.class_rows if (row.first, row.second) == pair]
        sized = [row for row in self.size_rows if (row.first, row.second) == pair]
        several = len(self.paired.classes) > 1
        found = [(list(HEADS), [cells(row) for row in mine])]
        if parts:
            found.append((["class", *HEADS], [[row.cls, *cells(row)] for row in parts]))
        if sized:
            heads = ["class", *SIZE_HEADS] if several else list(SIZE_HEADS)
            body = [[*([row.cls] if several else []), *size_cells(row)] for row in sized]
            found.append((heads, body))
        return found

    def write(self, out: Path) -> None:
        """Write comparison.csv, by_class.csv, by_size.csv, per_image.csv, tables.md, tables.tex.

        Args:
            out: Folder, made when missing. by_class.csv is there for several classes only.
        """
        out.mkdir(parents=True, exist_ok=True)
        for name, rows, kind in (
            ("comparison", self.rows, PairedRow),
            ("by_class", self.class_rows, PairedRow),
            ("by_size", self.size_rows, SizeRow),
        ):
            path = out / f"{name}.csv"
            path.unlink(missing_ok=True)
            if rows:
                names = [one.name for one in fields(kind)]
                write_table(path, names, [[getattr(row, key) for key in names] for row in rows])
        self._write_images(out / "per_image.csv")
        (out / "tables.md").write_text(self.as_markdown(), "utf-8")
        (out / "tables.tex").write_text(self.as_latex(), "utf-8")

    def _write_images(self, path: Path) -> None:
        """Every image, class and metric with the score of each folder."""
        names = list(self.paired.evaluations)
        rows = []
        for column in self.paired.columns:
            sides = [self.paired.matrix(name, column.name) for name in names]
            for place, image in enumerate(self.paired.images):
                for index, cls in enumerate(self.paired.classes):
                    scores = (float(side[place, index]) for side in sides)
                    rows.append([image, cls, column.name, *scores])
        write_table(path, ["image", "class", "metric", *names], rows)


def compare(
    evaluations: Mapping[str, Evaluation],
    *,
    baseline: str | None = None,
    pairs: Literal["baseline", "all"] = "baseline",
    sizes: Sequence[float] | None = None,
    flips: int = 10_000,
) -> Comparison:
    """Compare the predictions of several folders with each other, image by image.

    Args:
        evaluations: Results of :func:`seglosses.evaluate.evaluate` against one ground truth, by the
            name to show; a second annotator is a folder like any other.
        baseline: Name of the one to compare the others with; None for the first.
        pairs: 'baseline', or 'all' to compare each with each.
        sizes: Sizes of objects in pixels that part small from large; None for thirds.
        flips: Number of sign flips of the tests.

    Returns:
        Tables.

    Raises:
        ValueError: There are fewer than two, the baseline is none of them, or they have no image,
            metric or class in common.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from seglosses.evaluate import evaluate
        >>> with tempfile.TemporaryDirectory() as top:
        ...     for name, mask in (("gt", [[1, 1]]), ("a", [[1, 0]]), ("b", [[1, 1]])):
        ...         (Path(top) / name).mkdir()
        ...         np.save(Path(top) / name / "001.npy", np.array(mask))
        ...     found = {n: evaluate(f"{top}/{n}", f"{top}/gt", metrics=["dice"]) for n in "ab"}
        ...     row = compare(found).rows[0]
        >>> round(row.difference, 3), row.wins, row.losses, row.n  # 1 and 2/3
        (0.333, 1, 0, 1)
    """
    names = list(evaluations)
    if len(names) < 2:
        raise ValueError(f"expected two folders or more, got {len(names)}")
    base = names[0] if baseline is None else baseline
    if base not in names:
        raise ValueError(f"expected a baseline of {', '.join(names)}, got {base!r}")
    if flips < 1:
        raise ValueError(f"expected at least one sign flip, got {flips}")
    order = [base, *(name for name in names if name != base)]
    chosen = [(base, name) for name in order[1:]]
    if pairs == "all":
        chosen = [(a, b) for place, a in enumerate(order) for b in order[place + 1 :]]
    paired = Paired({name: evaluations[name] for name in order})
    rows, parts = paired_rows(paired, chosen, flips=flips)
    sized = size_rows(paired, chosen, limits=sizes, flips=flips)
    return Comparison(paired, chosen, rows, parts, sized, flips)


def _named(head: str, first: str, second: str) -> str:
    """A heading with the names of the folders, for papers, where nobody knows A and B."""
    if head == "B − A":
        return "difference"
    return re.sub(r"\b[AB]\b", lambda letter: first if letter[0] == "A" else second, head)


def _narrowed(table: list[list[str]], width: int | None) -> tuple[list[list[str]], list[str]]:
    """A table without the columns that do not fit, and their headings."""
    gone: list[str] = []
    for head in ("n", "ties", "losses", "wins", "95 % interval"):
        needed = sum(max(map(len, column)) + 2 for column in zip(*table, strict=True)) - 2
        if width is None or needed <= width:
            break
        place = table[0].index(head)
        table = [[*line[:place], *line[place + 1 :]] for line in table]
        gone.insert(0, head)
    return table, gone
