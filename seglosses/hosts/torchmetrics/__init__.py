"""The accumulator of scores as a metric of torchmetrics."""

from seglosses.hosts.torchmetrics.scores import Scores

__all__ = ["Scores"]
