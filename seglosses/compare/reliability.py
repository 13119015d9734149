"""Reliability diagrams of several folders in one: which of them means what it says."""

from __future__ import annotations

from seglosses.compare.comparison import Comparison
from seglosses.evaluate.figures import DIAGRAMS, reliability_curves, reliability_square
from seglosses.report import charts
from seglosses.report.figures import Figure, file_name

CLASSES = 8
"""Classes that are drawn, at most."""


def reliability_figures(comparison: Comparison) -> list[Figure]:
    """Share of true pixels against mean probability, one curve per folder.

    Args:
        comparison: Of folders with probability maps.

    Returns:
        A figure for each class (the first :data:`CLASSES`) and kind of pixels; none without
        probabilities. The numbers are the errors of the bins of all images.
    """
    paired, found = comparison.paired, []
    for column in paired.columns:
        if column.name not in DIAGRAMS:
            continue
        where = DIAGRAMS[column.name]
        curves = {name: reliability_curves(one, column) for name, one in paired.evaluations.items()}
        for cls in paired.classes[:CLASSES]:
            drawn = {name: of[cls] for name, of in curves.items() if cls in of}
            if not drawn:
                continue
            of = f", {cls}" if len(paired.classes) > 1 else ""
            errors = ", ".join(
                f"{name} {charts.number(row.mean)}"
                for name, one in paired.evaluations.items()
                for row in one.summary
                if (row.cls, row.metric) == (cls, f"{column.name}_dataset")
            )
            found.append(
                Figure(
                    file_name("reliability", column.name, cls),
                    reliability_square(drawn, f"{where}{of}"),
                    f"Reliability of {where}{of}: share of true pixels against mean probability in"
                    " bins; dashed: equal.",
                    f"{column.title}: {errors}; n = {len(paired.images)} images.",
                )
            )
    return found
