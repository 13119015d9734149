"""Gradients of several losses at the logits, as numbers: what a training keeps and a page draws."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """The gradients of the terms of one head at one iteration.

    Attributes:
        step: The iteration.
        norms: Euclidean norm of each term's gradient at the logits, its weight included.
        shares: Norm over the sum of norms.
        angles: Degrees between the gradients of two terms, by both names joined by ``~``; 90 is
            independent, 180 opposed.
        against: Cosine of each term's gradient and the sum of the others; NaN without others.
    """

    step: int
    norms: dict[str, float]
    shares: dict[str, float]
    angles: dict[str, float]
    against: dict[str, float]

    def scalars(self) -> dict[str, float]:
        """What to log, by name.

        Example:
            >>> Measured(0, {"dice": 2.0}, {"dice": 1.0}, {}, {"dice": float("nan")}).scalars()
            {'dice/norm': 2.0, 'dice/share': 1.0}
        """
        found = {f"{name}/norm": value for name, value in self.norms.items()}
        found |= {f"{name}/share": value for name, value in self.shares.items()}
        found |= {f"{name}/angle": value for name, value in self.angles.items()}
        found |= {f"{n}/against": value for n, value in self.against.items() if value == value}
        return found
