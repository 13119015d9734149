"""A loss weight that depends on how much of the training is done."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from numbers import Real

FIRST = 0.001
"""Weight of a loss with a target share until its gradient was measured."""


@dataclass(frozen=True)
class WeightSchedule:
    """One weight, then a straight line to another, then that.

        weight(p) = initial                              while p < start
        weight(p) = initial + (value - initial) * t,     t = min(1, (p - start) / warmup), then

    Args:
        value: Weight in the end.
        start: Fraction of the training before which the weight is ``initial``, in [0, 1].
        warmup: Fraction of the training over which it then changes to ``value``, in [0, 1].
        initial: Weight at first. By default 0: the loss is off, and its weight grows; with a larger
            one than ``value`` it falls.
        share: Share of the gradient at the logits that the loss is to have, in (0, 1); 0 for none.
            Then ``value`` is only where it begins, by default 0.001, and a balance finds the
            weight: ``seglosses.LossBalanceHook`` or
            :class:`seglosses.losses.balance.LossBalance`.

    Raises:
        ValueError: For a number that is not finite, fractions out of range, or an ``initial`` that
            neither ``start`` nor ``warmup`` leaves time for.

    Example:
        >>> schedule = WeightSchedule(value=0.5, start=0.5, warmup=0.25)
        >>> [schedule.weight(p) for p in (0.0, 0.5, 0.625, 0.75, 1.0)]
        [0.0, 0.0, 0.25, 0.5, 0.5]
        >>> falling = WeightSchedule(value=0.5, warmup=0.5, initial=1.5)
        >>> [falling.weight(p) for p in (0.0, 0.25, 0.5, 1.0)]
        [1.5, 1.0, 0.5, 0.5]
    """

    value: float = 1.0
    start: float = 0.0
    warmup: float = 0.0
    initial: float = 0.0
    share: float = 0.0

    def __post_init__(self) -> None:
        for name, number in asdict(self).items():
            if not isinstance(number, Real) or not math.isfinite(number):
                raise ValueError(f"expected a finite number as {name}, got {number!r}")
        for name in ("start", "warmup"):
            fraction = getattr(self, name)
            if not 0.0 <= fraction <= 1.0:
                raise ValueError(
                    f"expected {name} in [0, 1], a fraction of the training; got {fraction}."
                    " Divide iterations by max_iters."
                )
        if not 0.0 <= self.share < 1.0:
            raise ValueError(f"expected share in (0, 1), a part of the gradient; got {self.share}")
        if self.share and self.initial:
            raise ValueError("expected share or initial, got both: a share sets the whole weight")
        if self.share and self.value <= 0:
            raise ValueError(
                f"expected a value above 0 beside share={self.share}, the weight until the gradient"
                f" is measured; got {self.value}"
            )
        if self.initial and not (self.start or self.warmup):
            raise ValueError(
                f"expected a start or a warmup beside initial={self.initial}, which no iteration"
                " would have; got neither. Give warmup=1.0 for a change over the whole training,"
                " or leave initial out."
            )

    @classmethod
    def from_mapping(cls, options: Mapping[str, float]) -> WeightSchedule:
        """The schedule that a config writes as ``dict(value=..., warmup=...)``.

        Raises:
            ValueError: For other keys, or numbers that the schedule refuses.

        Example:
            >>> WeightSchedule.from_mapping({"start": 0.5})
            WeightSchedule(value=1.0, start=0.5, warmup=0.0, initial=0.0, share=0.0)
        """
        known = [field.name for field in fields(cls)]
        if unknown := [key for key in options if key not in known]:
            raise ValueError(f"a schedule of a weight has the keys {known}, got {unknown}")
        if options.get("share") and "value" not in options:
            options = {**options, "value": FIRST}
        return cls(**options)

    @property
    def constant(self) -> bool:
        """Whether only a balance changes the weight, so that nobody need tell the progress."""
        return bool(self.share) and not (self.start or self.warmup)

    def weight(self, progress: float) -> float:
        """The weight when the fraction ``progress`` of training is done.

        Example:
            >>> WeightSchedule(value=8.0, start=0.5, warmup=0.5).weight(0.75)
            4.0
        """
        if progress < self.start:
            return self.initial
        if progress >= self.start + self.warmup:
            return self.value
        done = (progress - self.start) / self.warmup
        return self.initial + (self.value - self.initial) * done
