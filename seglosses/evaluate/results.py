"""What an accumulator found: a number by name, and all that stands beside it."""

from __future__ import annotations

from typing import Literal

from seglosses.evaluate.result import Evaluation
from seglosses.evaluate.summary import MACRO, SummaryRow
from seglosses.metrics.empty import is_left_out


def key_of(row: SummaryRow, classes: int) -> str:
    """Name of a number: that of the metric alone for the mean of classes, else with the class.

    Args:
        row: Of the summary.
        classes: How many classes are scored.

    Returns:
        A key.
    """
    return row.metric if classes == 1 or row.cls == MACRO else f"{row.metric}.{row.cls}"


class Results(dict[str, float]):
    """Scores by name, as loggers take them: ``{"cldice": 0.9, "cldice.road": 0.8, ...}``.

    Args:
        evaluation: The same as :func:`seglosses.evaluate.evaluate` returns, with the summary, the
            conventions and the table of all images.

    Example:
        >>> from seglosses.metrics import Scores
        >>> import numpy as np
        >>> scores = Scores("overlap", 2)
        >>> scores.update(np.array([[[1, 1, 0]]]), np.array([[[1, 1, 1]]]))
        >>> found = scores.compute()
        >>> found["dice"], found.row("iou_dataset").n, found.better("dice")  # 2 x 2 / (2 + 3)
        (0.8, 1, 'higher')
    """

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        count = len(evaluation.table.classes)
        self._rows = {key_of(row, count): row for row in evaluation.summary}
        super().__init__({key: row.mean for key, row in self._rows.items()})

    def __reduce__(self) -> tuple[type[Results], tuple[Evaluation]]:
        return type(self), (self.evaluation,)

    def row(self, metric: str, cls: str | None = None) -> SummaryRow:
        """Everything about a number: interval, spread, median, how many images it holds.

        Args:
            metric: Name of a metric.
            cls: Name of a class; None for the mean of all classes.

        Returns:
            A row of the summary.

        Raises:
            ValueError: When there is no such metric or class.
        """
        key = metric if cls is None or len(self._classes) == 1 else f"{metric}.{cls}"
        if key not in self._rows or (cls is not None and cls not in self._classes):
            known = ", ".join(dict.fromkeys(row.metric for row in self._rows.values()))
            raise ValueError(
                f"no {metric!r} of class {cls!r}: expected a metric of {known} and a class of"
                f" {', '.join(self._classes)}"
            )
        return self._rows[key]

    def interval(self, metric: str, cls: str | None = None) -> tuple[float, float]:
        """95 % bootstrap interval of a mean, NaNs where none is valid.

        Args:
            metric: Name of a metric.
            cls: Name of a class; None for the mean of all classes.

        Returns:
            Lower and upper end.
        """
        row = self.row(metric, cls)
        return row.low, row.high

    def per_class(self, metric: str) -> dict[str, float]:
        """A number for each class.

        Args:
            metric: Name of a metric.

        Returns:
            Class to number.
        """
        return {cls: self.row(metric, cls).mean for cls in self._classes}

    def better(self, key: str) -> Literal["higher", "lower"]:
        """Whether more or less of a number is better.

        Args:
            key: A key of this dictionary.

        Returns:
            ``'higher'`` or ``'lower'``.
        """
        return "higher" if self._rows[key].better == "higher" else "lower"

    @property
    def _classes(self) -> tuple[str, ...]:
        return self.evaluation.table.classes

    @property
    def undefined(self) -> int:
        """In how many pairs of image and class nothing is scored, by the policy for empty masks."""
        table, empty = self.evaluation.table, self.evaluation.settings.empty
        predicted = table.matrix("tp") + table.matrix("fp") > 0
        shown = table.matrix("tp") + table.matrix("fn") > 0
        pairs = zip(predicted.ravel().tolist(), shown.ravel().tolist(), strict=True)
        return sum(is_left_out(empty, not pred, not target) for pred, target in pairs)
