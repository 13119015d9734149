"""Hooks: a loss weight that changes during training."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from seglosses.losses.base import Loss
from seglosses.losses.schedule import WeightSchedule
from seglosses.registry import HOOKS


@HOOKS.register_module()
class LossWeightSchedule(Hook):
    r"""Change loss weights as a function of the training iteration.

    With ``p`` the fraction of training done before the iteration, a weight is multiplied by::

        initial                                            while p < start
        initial + (1 - initial) * (p - start) / warmup     while start <= p < start + warmup
        1                                                  afterwards

    A topological term is usually added late (``start=0.7``) or grown slowly (``warmup=0.1``), from
    ``initial=0``. The factor depends on the iteration alone, so a resumed training goes on exactly
    where it was.

    Without arguments it serves every loss of this package whose ``loss_weight`` is a schedule::

        loss_decode=[
            dict(type='seglosses.DiceLoss'),
            dict(type='seglosses.BettiMatchingLoss',
                 loss_weight=dict(value=0.5, start=0.7, warmup=0.1)),
        ]
        custom_hooks=[dict(type='seglosses.LossWeightSchedule')]

    There ``initial`` is a weight of its own, so that one may fall while another grows, as in
    ``configs/losses/dice_boundary_rebalanced.py``.

    With ``loss`` it serves every module with this ``loss_name`` and a number as ``loss_weight``, of
    this package or any other. The weight of each is logged as ``train/loss_weight/<loss_name>``;
    where several have one name, as in two heads, as ``train/loss_weight/<head>.<loss_name>``.

    Args:
        loss: The ``loss_name`` of the loss, such as ``'loss_betti_matching'``; None for losses with
            a schedule of their own.
        start: Fraction of training before which the named loss has its first weight, in [0, 1].
        warmup: Fraction of training over which its weight then changes to the whole one, in [0, 1].
        initial: The first weight as a multiple of the whole one; 0 switches the loss off.

    Raises:
        ValueError: A fraction is out of range or given without ``loss``, ``initial`` is given
            without either, no module has this ``loss_name``, or it has a schedule of its own.

    Example:
        >>> schedule = LossWeightSchedule('loss_cldice', start=0.5, warmup=0.25)
        >>> [schedule.factor(i, 8) for i in (0, 3, 4, 5, 6, 7)]
        [0.0, 0.0, 0.0, 0.5, 1.0, 1.0]
    """

    priority = "NORMAL"

    def __init__(
        self,
        loss: str | None = None,
        start: float = 0.0,
        warmup: float = 0.0,
        initial: float = 0.0,
    ) -> None:
        if loss is None and (start or warmup or initial):
            raise ValueError(
                "LossWeightSchedule expected the `loss` that starts late; name it, or give that"
                f" loss loss_weight=dict(value=..., start={start}, warmup={warmup},"
                f" initial={initial})"
            )
        self.loss = loss
        self.schedule = WeightSchedule(start=start, warmup=warmup, initial=initial)
        self._own: list[Loss] = []
        self._named: list[tuple[Any, float]] = []
        self._keys: list[str] = []

    def factor(self, iteration: int, max_iters: int) -> float:
        """What the weight of the named loss is multiplied by in ``iteration`` (from 0)."""
        return self.schedule.weight(iteration / max_iters)

    def before_train(self, runner: Runner) -> None:
        """Find the losses and remember their configured weights."""
        modules: list[Any] = list(runner.model.modules())
        if self.loss is None:
            losses = (module for module in modules if isinstance(module, Loss))
            self._own = [loss for loss in losses if loss.weight_schedule is not None]
            self._keys = _keys(runner.model, self._own)
            return
        weighted = [module for module in modules if hasattr(module, "loss_weight")]
        chosen = [m for m in weighted if _name_of(m) == self.loss]
        if not chosen:
            have = sorted({_name_of(module) for module in weighted})
            raise ValueError(
                f"LossWeightSchedule found no loss named {self.loss!r} in the model; it has"
                f" {have}. Give the loss that loss_name, or correct the hook's `loss`."
            )
        if any(isinstance(m, Loss) and m.weight_schedule is not None for m in chosen):
            raise ValueError(
                f"{self.loss!r} has a schedule as loss_weight; leave out the hook's arguments, or"
                " make the weight a number"
            )
        if not self._named:
            self._named = [(module, module.loss_weight) for module in chosen]
            self._keys = _keys(runner.model, chosen)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set the weights for this iteration."""
        for loss in self._own:
            loss.set_progress(runner.iter / runner.max_iters)
        for module, weight in self._named:
            module.loss_weight = weight * self.factor(runner.iter, runner.max_iters)
        changed = [*self._own, *(module for module, _ in self._named)]
        for module, key in zip(changed, self._keys, strict=True):
            runner.message_hub.update_scalar(f"train/loss_weight/{key}", float(module.loss_weight))

    def after_train(self, runner: Runner) -> None:
        """Give the losses their configured weights back."""
        for loss in self._own:
            loss.set_progress(None)
        for module, weight in self._named:
            module.loss_weight = weight
        self._own, self._named = [], []


def _name_of(module: Any) -> str:
    """The module's ``loss_name``, or its class's name where it has none (mmdet's losses)."""
    return str(getattr(module, "loss_name", type(module).__name__))


def _keys(model: Any, chosen: Sequence[Any]) -> list[str]:
    """A key of the log for each loss: its name, with its place in the model where others have it.

    Example:
        >>> from torch.nn import ModuleDict, Sequential
        >>> from seglosses.losses import DiceLoss
        >>> model = Sequential(ModuleDict({"loss": DiceLoss()}), DiceLoss())
        >>> _keys(model, [model[0]["loss"], model[1]]), _keys(model, [model[1]])
        (['0.loss_dice', '1.loss_dice'], ['loss_dice'])
    """
    places = {id(module): name for name, module in model.named_modules()}
    names = [_name_of(module) for module in chosen]
    keys = []
    for module, name in zip(chosen, names, strict=True):
        parts = places.get(id(module), "").removeprefix("module.").split(".")
        head = ".".join(itertools.takewhile(lambda part: not part.startswith("loss"), parts))
        keys.append(f"{head}.{name}" if names.count(name) > 1 and head else name)
    # two of one name in one head
    return [
        key if keys.count(key) == 1 else f"{key}.{keys[:index].count(key)}"
        for index, key in enumerate(keys)
    ]
