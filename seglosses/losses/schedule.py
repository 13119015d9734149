"""A loss weight that depends on how much of the training is done."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from numbers import Real


@dataclass(frozen=True)
class WeightSchedule:
    """Off, then growing linearly, then constant.

        weight(p) = value * min(1, (p - start) / warmup)    from p = start on, else 0

    Args:
        value: Weight in the end.
        start: Fraction of the training before which the loss is off, in [0, 1].
        warmup: Fraction of the training over which the weight then grows from zero, in [0, 1].

    Raises:
        ValueError: For a value that is not finite, or fractions out of range.

    Example:
        >>> schedule = WeightSchedule(value=0.5, start=0.5, warmup=0.25)
        >>> [schedule.weight(p) for p in (0.0, 0.5, 0.625, 0.75, 1.0)]
        [0.0, 0.0, 0.25, 0.5, 0.5]
    """

    value: float = 1.0
    start: float = 0.0
    warmup: float = 0.0

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

    @classmethod
    def from_mapping(cls, options: Mapping[str, float]) -> WeightSchedule:
        """The schedule that a config writes as ``dict(value=..., start=..., warmup=...)``.

        Raises:
            ValueError: For other keys, or numbers that the schedule refuses.

        Example:
            >>> WeightSchedule.from_mapping({"start": 0.5})
            WeightSchedule(value=1.0, start=0.5, warmup=0.0)
        """
        known = [field.name for field in fields(cls)]
        if unknown := [key for key in options if key not in known]:
            raise ValueError(f"a schedule of a weight has the keys {known}, got {unknown}")
        return cls(**options)

    def factor(self, progress: float) -> float:
        """What the value is multiplied by when the fraction ``progress`` of training is done.

        Example:
            >>> WeightSchedule(value=8.0, start=0.5, warmup=0.5).factor(0.75)
            0.5
        """
        if progress < self.start:
            return 0.0
        if progress >= self.start + self.warmup:
            return 1.0
        return (progress - self.start) / self.warmup

    def weight(self, progress: float) -> float:
        """The weight when the fraction ``progress`` of training is done.

        Example:
            >>> WeightSchedule(value=8.0, start=0.5, warmup=0.5).weight(0.75)
            4.0
        """
        return self.value * self.factor(progress)
