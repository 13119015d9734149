"""Reliability diagrams of several folders in one: which of them means what it says."""

from __future__ import annotations

from seglosses import metrics
from seglosses.compare.comparison import Comparison
from seglosses.evaluate.figures import DIAGRAMS, diagrams, reliability_curve, reliability_square
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
        probabilities. The numbers are the errors of the bins of all images that every folder has.
    """
    paired, found = comparison.paired, []
    for column in paired.columns:
        if column.name not in DIAGRAMS:
            continue
        where = DIAGRAMS[column.name]
        every = {
            name: diagrams(one, column, paired.images) for name, one in paired.evaluations.items()
        }
        shown = [cls for cls in paired.classes if any(cls in of for of in every.values())]
        left = len(shown[CLASSES:])
        gone = f" The last {left} of {len(shown)} classes are not drawn." if left else ""
        for cls in shown[:CLASSES]:
            bins = {name: of[cls] for name, of in every.items() if cls in of}
            drawn = {name: reliability_curve(one) for name, one in bins.items()}
            of = f", {cls}" if len(paired.classes) > 1 else ""
            errors = ", ".join(
                f"{name} {charts.number(metrics.expected_calibration_error(one))}"
                for name, one in bins.items()
            )
            found.append(
                Figure(
                    file_name("reliability", column.name, cls),
                    reliability_square(drawn, f"{where}{of}"),
                    f"Reliability of {where}{of}: share of true pixels against mean probability in"
                    " bins; dashed: equal.",
                    f"{column.title}: {errors}; n = {len(paired.images)} images.{gone}",
                )
            )
    return found
