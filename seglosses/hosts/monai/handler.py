"""All scores of a metric in the state of an engine, for its loggers and checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from monai.engines.utils import default_metric_cmp_fn
from monai.handlers import IgniteMetricHandler

from seglosses.hosts.monai.metric import ScoresMetric


class ScoresHandler(IgniteMetricHandler):
    """:class:`ScoresMetric` for ``key_val_metric`` and ``additional_metrics`` of evaluators.

    Under the name of the handler stands the key number, by which MONAI chooses checkpoints, and
    beside it all others: ``val``, ``val/cldice``, ``val/cldice.vessel``.

    Args:
        metric_fn: The metric.
        output_transform: What takes predictions and labels out of the engine's output, such as
            ``from_engine(["pred", "label"])``.
        save_details: Whether the key number of each image goes to ``engine.state.metric_details``.

    Raises:
        ValueError: When attached as key metric of an evaluator that takes more for better, with a
            number of which less is better.
    """

    def __init__(
        self,
        metric_fn: ScoresMetric,
        output_transform: Callable[..., Any] = lambda x: x,
        save_details: bool = True,
    ) -> None:
        super().__init__(
            metric_fn=metric_fn, output_transform=output_transform, save_details=save_details
        )

    def attach(self, engine: Any, name: str) -> None:
        """Attach to an engine.

        Args:
            engine: The engine.
            name: Of the key number, and before a slash of all others.
        """
        is_key = getattr(engine.state, "key_metric_name", None) == name
        comparison = getattr(engine, "metric_cmp_fn", None)
        if is_key and comparison is default_metric_cmp_fn and self.metric_fn.better == "lower":
            raise ValueError(
                f"less is better for {self.metric_fn.key!r}, so the engine would keep the worst"
                " checkpoint: give it metric_cmp_fn=metric.is_better of this ScoresMetric, and"
                " CheckpointSaver key_metric_negative_sign=True"
            )
        super().attach(engine, name)

    def compute(self) -> Any:
        """The key number; all others go to the state of the engine."""
        result = super().compute()
        if self._engine is not None and self.metric_fn.results is not None:
            for key, value in self.metric_fn.results.items():
                self._engine.state.metrics[f"{self._name}/{key}"] = value
        return result
