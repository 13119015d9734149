"""Hooks: a loss weight that changes during training."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from seglosses.registry import HOOKS


@HOOKS.register_module()
class LossWeightSchedule(Hook):
    r"""Scale the weight of one loss as a function of the training iteration.

    With ``p`` the fraction of training done before the iteration, the configured ``loss_weight``
    is multiplied by::

        0                                    while p < start
        (p - start) / warmup                 while start <= p < start + warmup
        1                                    afterwards

    A topological term is usually added late (``start=0.7``) or grown slowly (``warmup=0.1``).
    The factor depends on the iteration alone, so a resumed training goes on exactly where it was.

    Every module of the model with this ``loss_name`` and a ``loss_weight`` is served, of this
    package or any other; the weight of each is logged as ``train/loss_weight/<loss_name>``.

    Args:
        loss: The ``loss_name`` of the loss, such as ``'loss_betti_matching'``.
        start: Fraction of training before which the loss is off, in [0, 1].
        warmup: Fraction of training over which the weight grows from zero, in [0, 1].

    Raises:
        ValueError: A fraction is out of range, or no module has this ``loss_name``.

    Example:
        >>> schedule = LossWeightSchedule('loss_cldice', start=0.5, warmup=0.25)
        >>> [schedule.factor(i, 8) for i in (0, 3, 4, 5, 6, 7)]
        [0.0, 0.0, 0.0, 0.5, 1.0, 1.0]
    """

    priority = "NORMAL"

    def __init__(self, loss: str, start: float = 0.0, warmup: float = 0.0) -> None:
        for name, value in (("start", start), ("warmup", warmup)):
            if not 0.0 <= value <= 1.0:
                raise ValueError(
                    f"LossWeightSchedule expected {name} in [0, 1], a fraction of the training;"
                    f" got {value}. Divide iterations by max_iters."
                )
        self.loss = loss
        self.start = start
        self.warmup = warmup
        self._targets: list[tuple[Any, float]] = []

    def factor(self, iteration: int, max_iters: int) -> float:
        """What the configured weight is multiplied by in ``iteration`` (from 0)."""
        progress = iteration / max_iters
        if progress < self.start:
            return 0.0
        if progress >= self.start + self.warmup:
            return 1.0
        return (progress - self.start) / self.warmup

    def before_train(self, runner: Runner) -> None:
        """Find the losses and remember their configured weights."""
        modules: list[Any] = list(runner.model.modules())
        named = [module for module in modules if hasattr(module, "loss_weight")]
        chosen = [m for m in named if _name_of(m) == self.loss]
        if not chosen:
            have = sorted({_name_of(module) for module in named})
            raise ValueError(
                f"LossWeightSchedule found no loss named {self.loss!r} in the model; it has"
                f" {have}. Give the loss that loss_name, or correct the hook's `loss`."
            )
        if not self._targets:
            self._targets = [(module, module.loss_weight) for module in chosen]

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set the weight for this iteration."""
        factor = self.factor(runner.iter, runner.max_iters)
        for module, weight in self._targets:
            module.loss_weight = weight * factor
            runner.message_hub.update_scalar(
                f"train/loss_weight/{self.loss}", float(module.loss_weight)
            )

    def after_train(self, runner: Runner) -> None:
        """Give the losses their configured weights back."""
        for module, weight in self._targets:
            module.loss_weight = weight
        self._targets = []


def _name_of(module: Any) -> str:
    """The module's ``loss_name``, or its class's name where it has none (mmdet's losses)."""
    return str(getattr(module, "loss_name", type(module).__name__))
