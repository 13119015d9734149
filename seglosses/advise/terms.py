"""What a proposal is made of: losses with options, weight, schedule, reason and cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

COSTS: dict[str, tuple[float, float]] = {
    "CenterlineBoundaryDiceLoss": (5.4, 8.2),
    "BettiMatchingLoss": (3.5, 10.3),
    "SkeletonRecallLoss": (2.4, 2.5),
    "TopographLoss": (2.3, 6.9),
    "TopologicalPriorLoss": (2.1, 6.9),
    "TopoLoss": (4.7, 8.8),
    "MalisLoss": (11.6, 12.0),
    "CenterlineCrossEntropyLoss": (6.3, 6.8),
}
"""Forward and backward in multiples of CE + Dice, smooth and untrained output; docs/speed.md,
"Both ends of the costs": one machine, 512 px, two classes."""


@dataclass(frozen=True)
class Term:
    """A loss of a proposal.

    Attributes:
        loss: Name of the class in :mod:`seglosses.losses`.
        weight: Its weight in the end.
        options: Options of the class.
        start: Fraction of the training before which it is off.
        warmup: Fraction over which it then grows to its weight.
        why: In a line.
        rule: Name of the rule that asks for it.
    """

    loss: str
    weight: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)
    start: float = 0.0
    warmup: float = 0.0
    why: str = ""
    rule: str = ""

    @property
    def scheduled(self) -> bool:
        """Whether its weight changes during the training."""
        return bool(self.start or self.warmup)

    @property
    def loss_weight(self) -> float | dict[str, float]:
        """What to give as ``loss_weight``.

        Example:
            >>> Term("DiceLoss").loss_weight, Term("TopoLoss", 0.1, start=0.5).loss_weight
            (1.0, {'value': 0.1, 'start': 0.5, 'warmup': 0.0})
        """
        if not self.scheduled:
            return self.weight
        return {"value": self.weight, "start": self.start, "warmup": self.warmup}

    def config(self) -> dict[str, Any]:
        """Options for the class, its weight among them where it is not 1.

        Example:
            >>> Term("SoftClDiceLoss", 0.5, {"iterations": 3}).config()
            {'iterations': 3, 'loss_weight': 0.5}
        """
        weight: dict[str, Any] = {} if self.loss_weight == 1 else {"loss_weight": self.loss_weight}
        return {**self.options, **weight}

    def cost(self, ndim: int = 2) -> str:
        """What it costs, in words.

        Args:
            ndim: Of the label maps; costs were measured on images.
        """
        if self.loss == "SoftClDiceLoss":
            low, high = (5.6, 7.5) if self.options.get("iterations", 10) <= 3 else (5.6, 16.4)
        elif self.loss in COSTS:
            low, high = COSTS[self.loss]
        else:
            return "about as much as Dice"
        late = f", {1 - self.start:.0%} of the training" if self.start else ""
        where = " (measured on images, not on volumes)" if ndim == 3 else ""
        return f"{low:g} to {high:g} times CE + Dice{late}{where}"


@dataclass(frozen=True)
class Verdict:
    """What a rule says about a profile.

    Attributes:
        fires: Whether its conditions hold.
        because: The numbers that decide, in a line; also where it does not fire.
        add: Terms to add.
        replace: Loss to take out, and the term in its place.
        amend: Losses that get options, where they are proposed, and these options.
        note: What else to do, beside losses.
    """

    fires: bool
    because: str
    add: tuple[Term, ...] = ()
    replace: tuple[str, Term] | None = None
    amend: tuple[tuple[str, ...], Mapping[str, Any]] | None = None
    note: str = ""

    def named(self, rule: str) -> Verdict:
        """The same, with the rule's name in its terms."""
        swap = self.replace
        return replace(
            self,
            add=tuple(replace(term, rule=rule, why=term.why or self.because) for term in self.add),
            replace=None
            if swap is None
            else (swap[0], replace(swap[1], rule=rule, why=swap[1].why or self.because)),
        )
