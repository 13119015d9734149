"""Laws of metrics of two masks: what may change about an image without changing its score.

Each law makes pairs that deserve the score of a given one. ``examine_pair`` measures them all and
says what differs; the tests do so for every metric here, on pairs of :func:`random_trial`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seglosses.laws.subject import Finding, raised
from seglosses.metrics import Pair

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Metric:
    """A metric under examination.

    Args:
        name: For reports.
        measure: The numbers of a pair of masks.
        dims: Dimensions of the images that it takes.
        perfect: Its numbers for two equal masks; None where that says nothing.
    """

    name: str
    measure: Callable[[Pair], tuple[float, ...]]
    dims: tuple[int, ...] = (2, 3)
    perfect: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Trial:
    """Two masks of one shape, with the edge lengths of a pixel.

    Args:
        pred: Predicted mask.
        target: True mask.
        spacing: One number per axis.
    """

    pred: Mask
    target: Mask
    spacing: tuple[float, ...]

    def pair(self) -> Pair:
        """What metrics take; what an empty mask leaves undefined is NaN."""
        return Pair(self.pred, self.target, spacing=self.spacing, empty="nan")

    def both(self, change: Callable[[Mask], Mask]) -> Trial:
        """The same change of both masks.

        Example:
            >>> one = np.ones((1, 2), bool)
            >>> Trial(one, one, (1.0, 2.0)).both(np.transpose).pred.shape
            (2, 1)
        """
        return replace(self, pred=change(self.pred), target=change(self.target))

    def __str__(self) -> str:
        words = f"masks {self.pred.shape}, spacing {self.spacing}"
        if self.pred.size <= 32:
            words += f", pred {self.pred.astype(int).tolist()}"
            words += f", target {self.target.astype(int).tolist()}"
        return words


MetricLaw = Callable[[Trial], Iterator[Trial]]


def axes_may_change_places(trial: Trial) -> Iterator[Trial]:
    """The transposed image, and for volumes also the axes in a circle."""
    ndim = trial.pred.ndim
    orders = [tuple(reversed(range(ndim)))]
    if ndim == 3:
        orders.append((1, 2, 0))
    for order in orders:

        def moved(mask: Mask, order: tuple[int, ...] = order) -> Mask:
            return np.ascontiguousarray(mask.transpose(order))

        yield replace(trial.both(moved), spacing=tuple(trial.spacing[axis] for axis in order))


def mirror_images_score_the_same(trial: Trial) -> Iterator[Trial]:
    """The image flipped along each axis."""
    for axis in range(trial.pred.ndim):

        def mirrored(mask: Mask, axis: int = axis) -> Mask:
            return np.ascontiguousarray(np.flip(mask, axis))

        yield trial.both(mirrored)


def turned_images_score_the_same(trial: Trial) -> Iterator[Trial]:
    """The image turned by 90 degrees in its last two axes, and volumes also in the first two."""
    last = trial.pred.ndim - 1
    for one, two in sorted({(last - 1, last), (0, 1)}):

        def turned(mask: Mask, axes: tuple[int, int] = (one, two)) -> Mask:
            return np.ascontiguousarray(np.rot90(mask, axes=axes))

        spacing = list(trial.spacing)
        spacing[one], spacing[two] = spacing[two], spacing[one]
        yield replace(trial.both(turned), spacing=tuple(spacing))


def empty_margins_do_not_matter(trial: Trial) -> Iterator[Trial]:
    """The image on a larger empty canvas."""
    sides = [(1, 3), (4, 0), (0, 2)][: trial.pred.ndim]

    def framed(mask: Mask) -> Mask:
        return np.asarray(np.pad(mask, sides), bool)

    yield trial.both(framed)


def order_in_memory_is_irrelevant(trial: Trial) -> Iterator[Trial]:
    """Column-major masks, and views that step backwards and over every second number."""
    yield trial.both(lambda mask: np.asfortranarray(mask))

    def stepped(mask: Mask) -> Mask:
        wide = np.repeat(np.flip(mask), 2, axis=-1)
        return np.asarray(np.flip(wide)[..., ::2])

    yield trial.both(stepped)


def masks_may_change_places(trial: Trial) -> Iterator[Trial]:
    """Prediction and truth exchanged."""
    yield replace(trial, pred=trial.target, target=trial.pred)


METRIC_LAWS: dict[str, MetricLaw] = {
    law.__name__: law
    for law in (
        axes_may_change_places,
        mirror_images_score_the_same,
        turned_images_score_the_same,
        empty_margins_do_not_matter,
        order_in_memory_is_irrelevant,
        masks_may_change_places,
    )
}
#: what else is asked: two equal masks, neither of them empty, have a perfect score
PERFECT = "equal_masks_are_perfect"


def examine_pair(
    trial: Trial,
    metrics: Mapping[str, Metric],
    exempt: Mapping[tuple[str, str], str] | None = None,
) -> list[Finding]:
    """What metrics break on a pair of masks; every statistic is measured once a changed pair.

    Args:
        trial: The pair.
        metrics: What to examine, by name.
        exempt: (metric, law) to the reason why it does not hold.

    Returns:
        Broken laws, with the name of the metric in the words; none when all hold.

    Example:
        >>> leftmost = Metric("leftmost", lambda pair: (float(pair.box[1].start),))
        >>> mask = np.array([[0, 0, 1]], bool)
        >>> found = examine_pair(Trial(mask, mask, (1.0, 1.0)), {"leftmost": leftmost})
        >>> sorted({finding.law for finding in found})[:2]
        ['axes_may_change_places', 'empty_margins_do_not_matter']
    """
    let = exempt or {}
    chosen = {name: one for name, one in metrics.items() if trial.pred.ndim in one.dims}
    expected = _measured(trial, chosen)
    findings = []
    for law, variants in METRIC_LAWS.items():
        held = {name: one for name, one in chosen.items() if (name, law) not in let}
        for other in variants(trial):
            for name, numbers in _measured(other, held).items():
                if not _equal(numbers, expected[name]):
                    words = f"{name} is {expected[name]}, then {numbers} for {trial}"
                    findings.append(Finding(law, False, words))
    if trial.target.any():
        alike = replace(trial, pred=trial.target)
        held = {name: one for name, one in chosen.items() if (name, PERFECT) not in let}
        for name, numbers in _measured(alike, held).items():
            best = held[name].perfect
            if best is not None and not _equal(numbers, best):
                words = f"{name} is {numbers} instead of {best} for {alike}"
                findings.append(Finding(PERFECT, False, words))
    return findings


def _measured(trial: Trial, metrics: Mapping[str, Metric]) -> dict[str, object]:
    pair, numbers = trial.pair(), dict[str, object]()
    for name, metric in metrics.items():
        try:
            numbers[name] = metric.measure(pair)
        except Exception as error:
            numbers[name] = raised(error)
    return numbers


def _equal(numbers: object, others: object) -> bool:
    if isinstance(numbers, str) or isinstance(others, str):
        return False
    # distances are float32, and their squares are added up in the order of the axes
    return bool(np.allclose(numbers, others, rtol=1e-5, atol=1e-9, equal_nan=True))  # type: ignore[arg-type]


#: Largest number of pixels of a random image; a side is at most 300 pixels long.
_PIXELS = 1500
_SPACINGS = (0.5, 0.7, 1.0, 2.0, 3.25)


def random_trial(rng: np.random.Generator) -> Trial:
    """A pair of masks of any proportions: bars, boxes, noise, lines, single pixels, or nothing.

    The prediction is another such mask, or the truth with errors.

    Args:
        rng: Where chance comes from.

    Returns:
        Images three times in four, else volumes; one in three with unequal spacing.

    Example:
        >>> trial = random_trial(np.random.default_rng(0))
        >>> trial.pred.shape == trial.target.shape, max(trial.pred.shape) <= 300
        (True, True)
    """
    ndim = int(rng.choice([2, 2, 2, 3]))
    rest, sides = _PIXELS, []
    for _ in range(ndim):
        side = round(float(np.exp(rng.uniform(0, np.log(min(rest, 300))))))
        sides.append(side)
        rest = max(rest // side, 1)
    shape = tuple(int(side) for side in rng.permutation(sides))
    target = random_mask(rng, shape)
    pred = random_mask(rng, shape)
    if rng.random() < 0.5:
        wrong = random_mask(rng, shape) & (rng.random(shape) < rng.choice([0.02, 0.2, 1.0]))
        pred = target ^ wrong
    spacing = (1.0,) * ndim
    if rng.random() < 1 / 3:
        spacing = tuple(float(length) for length in rng.choice(_SPACINGS, ndim))
    return Trial(pred, target, spacing)


def random_mask(rng: np.random.Generator, shape: tuple[int, ...]) -> Mask:
    """A mask of boxes, bars, noise, a walk, single pixels, rings, or, seldom, of nothing.

    Args:
        rng: Where chance comes from.
        shape: Of the mask.

    Returns:
        Boolean mask, (*S).

    Example:
        >>> random_mask(np.random.default_rng(0), (3, 70)).shape
        (3, 70)
    """
    mask = np.zeros(shape, bool)
    kind = rng.choice(["boxes", "bars", "noise", "walk", "pixels", "rings", "empty"],
                      p=[0.25, 0.2, 0.15, 0.15, 0.1, 0.13, 0.02])  # fmt: skip
    for _ in range(int(rng.integers(1, 5))):
        start = [int(rng.integers(0, size)) for size in shape]
        stop = [a + int(rng.integers(1, size + 1)) for a, size in zip(start, shape, strict=True)]
        place = tuple(map(slice, start, stop))
        if kind == "boxes":
            mask[place] = True
        elif kind == "bars":
            axis = int(rng.integers(0, len(shape)))
            np.moveaxis(mask, axis, 0)[place[axis]] = rng.random() < 0.7
        elif kind == "noise":
            mask |= rng.random(shape) < rng.choice([0.05, 0.3, 0.6])
        elif kind == "rings":
            mask[place] = True
            mask[tuple(slice(a + 1, b - 1) for a, b in zip(start, stop, strict=True))] = False
        elif kind == "walk":
            steps = rng.integers(-1, 2, (60, len(shape))).cumsum(axis=0) + start
            mask[tuple((steps % np.array(shape)).T)] = True
        elif kind == "pixels":
            mask[tuple(start)] = True
    return mask
