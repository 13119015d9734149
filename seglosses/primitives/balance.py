"""Gradients of several losses at the logits, as numbers: what a training keeps and a page draws."""

from __future__ import annotations

from collections.abc import Mapping
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

    def renamed(self, names: Mapping[str, str]) -> Measured:
        """The same numbers under other names of the terms.

        Args:
            names: New names by old ones.

        Example:
            >>> one = Measured(0, {"a": 1.0, "b": 1.0}, {}, {"a~b": 90.0}, {})
            >>> one.renamed({"a": "c", "b": "d"}).angles
            {'c~d': 90.0}
        """
        norms, shares, against = (
            {names[name]: value for name, value in each.items()}
            for each in (self.norms, self.shares, self.against)
        )
        angles = {
            "~".join(names[name] for name in pair.split("~")): value
            for pair, value in self.angles.items()
        }
        return Measured(self.step, norms, shares, angles, against)

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
