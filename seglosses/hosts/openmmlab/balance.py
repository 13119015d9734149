"""How much each loss of a head trains it: the hook of MMSegmentation and MMDetection."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from seglosses.losses.balance import Balancer, Measured, gradient_at, measure
from seglosses.registry import HOOKS
from seglosses.report.balance import save_balance, write_balance

STATE = "seglosses_balance"
FILE = "balance.json"


class _Head:
    """The losses of one head, and what they were called with in this iteration."""

    def __init__(self, losses: dict[str, nn.Module], options: dict[str, int], where: str) -> None:
        self.balancer = Balancer(losses, where=where, **options)
        self.outputs: list[Tensor] = []
        self.gradients: dict[str, list[Tensor | None]] = {name: [] for name in losses}

        # mmengine averages what has "loss" in its name over ten values
        plain = {name: re.sub("_?loss_?", "", name) or name for name in losses}
        alone = [name for name in plain if [*plain.values()].count(plain[name]) == 1]
        self.names = {
            name: plain[name] if name in alone else name.replace("loss", "l") for name in losses
        }

    def named(self, found: Measured) -> Measured:
        """The same with the names of terms that are logged."""
        return found.renamed(self.names)

    def take(self, name: str, pred: Tensor, value: Tensor) -> None:
        """Note a gradient at one of the outputs that losses share."""
        place = next((i for i, known in enumerate(self.outputs) if known is pred), None)
        if place is None:
            place = len(self.outputs)
            self.outputs.append(pred)
        mine = self.gradients[name]
        mine.extend([None] * (place + 1 - len(mine)))
        gradient, before = gradient_at(value, pred), mine[place]
        if before is None or gradient is None:
            mine[place] = gradient if before is None else before
        else:
            mine[place] = before + gradient

    def finish(self, step: int, device: torch.device | None) -> Measured | None:
        """Measure what was noted, and forget it; also where nothing was, for other processes."""
        count = len(self.outputs)
        gradients = {n: [*g, *[None] * (count - len(g))] for n, g in self.gradients.items()}
        self.outputs, self.gradients = [], {name: [] for name in self.gradients}
        found = measure(step, gradients) if count else Measured(step, {}, {}, {}, {})
        return self.balancer.history[-1] if self.balancer.add(found, device) else None


@HOOKS.register_module()
class LossBalanceHook(Hook):
    r"""Measure the gradient of every loss at the logits, every few iterations.

    The terms of a head are compared with each other: the losses of ``decode_head``, those of each
    auxiliary head, ``loss_cls`` and ``loss_bbox`` of a box head (which see different outputs, so
    that they have shares and no angles). Logged are, for each term (``dice`` of ``loss_dice``),
    ``balance/<term>/norm`` (its weight included), ``balance/<term>/share`` and
    ``balance/<term>/against``, the cosine with the sum of the others, and for two of them
    ``balance/<term>~<term>/angle`` in degrees; terms of several heads have the head in front.
    After the training ``balance.html`` and ``balance.json`` lie in the work dir.

    A term with less than 1 % or more than 99 % of the gradient, or with a cosine below -0.2, at
    `patience` measurements in a row is warned of once.

    A loss of this package with ``loss_weight=dict(share=0.1)`` gets the weight with which it has
    that share: it follows the mean of the first `settle` measurements and is frozen then. State
    and weights are kept in checkpoints; a training that only starts from the weights of another
    (``load_from`` without ``resume``) measures anew.

    Args:
        interval: Iterations between two measurements. Each takes one backward to the logits, not
            through the network, per term.
        settle: Measurements of a term after which its weight is frozen.
        patience: Measurements in a row before a warning.
        log: Whether to log scalars; the page is written in any case.

    Raises:
        ValueError: The model has no losses, or shares leave nothing to the other terms.

    Example::

        custom_hooks=[
            dict(type='seglosses.LossWeightSchedule'),
            dict(type='seglosses.LossBalanceHook', interval=50),
        ]
    """

    # after LossWeightSchedule (NORMAL), whose weights it measures
    priority = "LOW"

    def __init__(
        self, interval: int = 50, settle: int = 10, patience: int = 10, log: bool = True
    ) -> None:
        for name, value in (("interval", interval), ("settle", settle), ("patience", patience)):
            if value < 1:
                raise ValueError(f"LossBalanceHook expected {name} of at least 1, got {value}")
        self.interval, self.log = interval, log
        self.options = {"settle": settle, "patience": patience}
        self._heads: dict[str, _Head] = {}
        self._handles: list[Any] = []
        self._loaded: dict[str, Any] | None = None
        self._measuring = False

    def before_train(self, runner: Runner) -> None:
        """Find the losses of each head, and listen to them."""
        self._stop()
        found = losses_by_head(runner.model)
        if not found:
            raise ValueError(
                "LossBalanceHook found no loss (a module with a loss_weight) in the model; losses"
                " that a head computes itself cannot be measured"
            )
        for head, losses in found.items():
            where = f" of {head}" if len(found) > 1 and head else ""
            self._heads[head] = _Head(losses, self.options, where)
            for name, loss in losses.items():
                listen = self._listener(self._heads[head], name)
                self._handles.append(loss.register_forward_hook(listen, with_kwargs=True))
        loaded, self._loaded = self._loaded, None
        if loaded is not None and runner.iter:  # else weights alone were loaded
            self._restore(runner, loaded)

    def _restore(self, runner: Runner, loaded: dict[str, Any]) -> None:
        for head, state in loaded.items():
            if head not in self._heads:
                runner.logger.warning(f"the checkpoint balances {head!r}, which the model lacks")
                continue
            self._heads[head].balancer.load_state_dict(state)

    def _listener(self, head: _Head, name: str) -> Callable[..., None]:
        def listen(_: Any, args: tuple[Any, ...], named: dict[str, Any], value: Any) -> None:
            pred = next((one for one in (*args, *named.values()) if isinstance(one, Tensor)), None)
            if self._measuring and pred is not None and isinstance(value, Tensor):
                head.take(name, pred, value)

        return listen

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Decide whether this iteration is measured."""
        due = runner.iter % self.interval == 0
        self._measuring = due or any(head.balancer.urgent for head in self._heads.values())

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Compare the gradients, log them, set weights."""
        if not self._measuring:
            return
        self._measuring = False
        device = next((one.device for one in runner.model.parameters()), None)
        for name, head in self._heads.items():
            found = head.finish(runner.iter, device)
            if found is None or not self.log:
                continue
            front = f"{name}." if len(self._heads) > 1 and name else ""
            for key, value in head.named(found).scalars().items():
                runner.message_hub.update_scalar(f"train/balance/{front}{key}", value)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Keep the state."""
        checkpoint[STATE] = {n: head.balancer.state_dict() for n, head in self._heads.items()}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Take the state up again; losses are found later."""
        self._loaded = checkpoint.get(STATE)

    def after_train(self, runner: Runner) -> None:
        """Write the page, and listen no more."""
        if is_main_process():
            histories = {n: list(head.balancer.history) for n, head in self._heads.items()}
            folder = Path(runner.work_dir)
            write_balance(folder / "balance.html", histories)
            save_balance(folder / FILE, histories)
        self._stop()

    def _stop(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles, self._heads = [], {}


def losses_by_head(model: nn.Module) -> dict[str, dict[str, nn.Module]]:
    """Losses of a model by the head they belong to, wrappers and not what is inside them.

    Args:
        model: Any model of MMSegmentation or MMDetection.

    Returns:
        Path of the head to losses by name; a name that a head has twice gets a number.

    Example:
        >>> from seglosses.losses import CrossEntropyLoss, DiceLoss
        >>> head = nn.ModuleDict({"loss_decode": nn.ModuleList([CrossEntropyLoss(), DiceLoss()])})
        >>> found = losses_by_head(nn.ModuleDict({"decode_head": head}))
        >>> {head: list(losses) for head, losses in found.items()}
        {'decode_head': ['loss_cross_entropy', 'loss_dice']}
    """
    heads: dict[str, dict[str, nn.Module]] = {}
    inside: list[str] = []
    for place, module in model.named_modules():
        if not hasattr(module, "loss_weight") or any(place.startswith(p) for p in inside):
            continue
        inside.append(f"{place}.")
        parts = place.removeprefix("module.").split(".")
        above = list(itertools.takewhile(lambda part: not part.startswith("loss"), parts))
        head = heads.setdefault(".".join(above), {})
        own = parts[len(above)] if len(above) < len(parts) else type(module).__name__
        name = str(getattr(module, "loss_name", own))
        free = (f"{name}_{number}" for number in itertools.count(1))
        head[name if name not in head else next(n for n in free if n not in head)] = module
    return heads
