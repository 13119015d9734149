"""How an evaluation can end without being complete."""

from __future__ import annotations

from seglosses.evaluate.result import Evaluation, without_meaning


class IncompleteError(ValueError):
    """Some images could not be scored; everything else is written.

    Args:
        evaluation: The scores of the other images.
    """

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        failures = evaluation.failures
        listed = "\n".join(f"  {failure.image}: {failure.reason}" for failure in failures[:20])
        more = f"\n  and {len(failures) - 20} more" if len(failures) > 20 else ""
        values = without_meaning(failures)
        super().__init__(
            f"{len(failures)} of {len(failures) + len(evaluation.table)} images could not be "
            f"scored and are missing from every number (keep_going, --keep-going, accepts "
            f"that):\n{listed}{more}" + (f"\n{values}" if values else "")
        )
