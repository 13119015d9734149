"""TopoMortar's columns with TopoMortar's quirks, and nowhere else.

In their scores an empty mask has one component, HD95 is 9999999 when a mask is empty, and clDice
is undefined when neither skeleton meets the other mask.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from seglosses.evaluate.options import Options
from seglosses.evaluate.sample import Sample
from seglosses.evaluate.table import Table
from seglosses.metrics.mortar import MORTAR_COLUMNS, mortar_scores
from seglosses.report.cells import write_table

ORDER = MORTAR_COLUMNS
Measure = Callable[[Sample, Options], float]


def _column(name: str) -> Measure:
    def measure(sample: Sample, options: Options) -> float:
        pair, window = sample.pair, options.window
        row = pair.remember(("mortar", window), lambda: mortar_scores(pair, window=window))
        return row[name]

    return measure


_LOCAL = "mean over windows of {window} pixels, an empty one has 1 component"
_MEANINGS: dict[str, tuple[Literal["higher", "lower"], str]] = {
    "Betti0Error_mortar": ("lower", "|difference of components|, an empty mask has 1"),
    "Betti1Error_mortar": ("lower", "|difference of loops|"),
    "Betti0ErrorLocal_mortar": ("lower", _LOCAL),
    "Betti1ErrorLocal_mortar": ("lower", "mean over windows of {window} pixels"),
    "Dice_mortar": ("higher", "Dice; undefined when both masks are empty"),
    "HD95_mortar": ("lower", "pooled 95th percentile; 9999999 when a mask is empty"),
    "clDice_mortar": ("higher", "clDice; undefined when no skeleton meets the mask"),
}
MEASURES: tuple[tuple[str, Literal["higher", "lower"], str, Measure], ...] = tuple(
    (name, better, meaning, _column(name)) for name, (better, meaning) in _MEANINGS.items()
)


def write_csv(table: Table, path: Path) -> None:
    """Write the scores of the only class in the layout of TopoMortar's CSV files.

    Args:
        table: Scores that hold the columns of the group `topomortar`.
        path: File to write.

    Raises:
        ValueError: When there is more than one class.
    """
    if len(table.classes) != 1:
        raise ValueError(f"TopoMortar has one class, got {', '.join(table.classes)}")
    columns = [table.matrix(name)[:, 0] for name in ORDER]
    counts = {"Betti0Error_mortar", "Betti1Error_mortar"}
    rows = []
    for index, image in enumerate(table.images):
        row = [float(values[index]) for values in columns]
        cells = [
            str(int(value)) if name in counts else "" if value != value else repr(value)
            for name, value in zip(ORDER, row, strict=True)
        ]
        rows.append([image, *cells])
    write_table(path, ["ID", *ORDER], rows)
