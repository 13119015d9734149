"""What a proposal is made of: losses with options, weight, schedule, reason and cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

Range: TypeAlias = tuple[float, float]

COSTS: dict[str, tuple[Range, Range]] = {
    "CrossEntropyLoss": ((0.4, 0.5), (0.4, 0.5)),
    "CrossEntropyLoss, smooth boundaries": ((4.3, 6.5), (8.9, 12)),
    "DiceLoss": ((0.4, 0.4), (0.3, 0.5)),
    "TverskyLoss": ((0.3, 0.4), (0.4, 0.5)),
    "SoftClDiceLoss": ((12, 34), (15, 50)),
    "SoftClDiceLoss, 3 erosions": ((12, 21), (15, 20)),
    "SkeletonRecallLoss": ((5.7, 6.3), (18, 24)),
    "LogHausdorffDTLoss": ((5, 6), (24, 28)),
    "TopologicalPriorLoss": ((4.8, 21), (18, 92)),
    "BettiMatchingLoss": ((7.2, 25), (40, 210)),
}
"""Forward and backward in multiples of CE + Dice, least and most of a smooth, a noisy and an
untrained output: images of 512 px, and volumes of 48³ and 64³ voxels; two classes, one thread;
docs/speed.md, "What advise proposes" (``tools/speed.py --group advised``)."""

CROP = 64
"""Side of the box in which Betti matching looks at a volume: the largest that was measured."""


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

    def also(self, why: str) -> Term:
        """The same with one more reason.

        Args:
            why: In a line; once is enough.

        Example:
            >>> Term("DiceLoss", why="base").also("islands").why
            'base; islands'
        """
        return self if why in self.why else replace(self, why=f"{self.why}; {why}")

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
            ndim: Of the label maps, 2 or 3.

        Example:
            >>> Term("DiceLoss").cost(), Term("BettiMatchingLoss", start=0.5).cost()
            ('0.4 times CE + Dice', '7.2 to 25 times CE + Dice, 50% of the training')
            >>> Term("BettiMatchingLoss", options={"crop": 64}).cost(3)
            '40 to 210 times CE + Dice of as many voxels, in a crop of 64'
        """
        name = self.loss
        if self.options.get("boundary_smoothing"):
            name += ", smooth boundaries"
        elif name == "SoftClDiceLoss" and self.options.get("iterations", 10) <= 3:
            name += ", 3 erosions"
        low, high = COSTS[name][ndim - 2]
        times = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        crop = self.options.get("crop")
        where = f" of as many voxels, in a crop of {crop}" if crop else ""
        late = f", {1 - self.start:.0%} of the training" if self.start else ""
        return f"{times} times CE + Dice{where}{late}"


def add(terms: list[Term], term: Term) -> None:
    """Add a term; of one loss for several classes one term is left, for all of them.

    Two stay where options or schedules differ: numbers of components are those of a class.

    Args:
        terms: What is proposed so far.
        term: One more.

    Example:
        >>> terms = [Term("TopoLoss", options={"classes": [1]}, why="loops")]
        >>> add(terms, Term("TopoLoss", options={"classes": [3]}, why="breaks"))
        >>> [(term.options, term.why) for term in terms]
        [({'classes': [1, 3]}, 'loops; breaks')]
        >>> add(terms, Term("TopoLoss", options={"betti": [1, 1], "classes": [2]}, why="rings"))
        >>> len(terms)
        2
    """
    for place, old in enumerate(terms):
        if old.loss != term.loss or _differ(old, term):
            continue
        known = [t.options.get("classes") for t in (old, term)]
        options = {k: v for k, v in {**term.options, **old.options}.items() if k != "classes"}
        if all(one is not None for one in known):
            options["classes"] = sorted({index for one in known for index in one or ()})
        terms[place] = replace(old.also(term.why), options=options)
        return
    terms.append(term)


def _differ(one: Term, two: Term) -> bool:
    """Whether both state an option, other than classes, or a schedule, and not alike.

    Without Betti numbers those of each label are meant, which are no others.
    """
    own, other = one.options, two.options
    stated = (*(own.keys() & other.keys() - {"classes"}), "betti")
    return (one.weight, one.start, one.warmup) != (two.weight, two.start, two.warmup) or any(
        own.get(name) != other.get(name) for name in stated
    )


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
