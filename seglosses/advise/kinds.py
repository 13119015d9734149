"""Kinds of classes that rules tell apart, and their thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from seglosses.advise.profile import ClassProfile, Profile
from seglosses.report.kinds import NAMES, plural

THIN_WIDTH = 16.0
THIN_LENGTH = 5.0
RARE = 0.01
SMALL = 64.0
COMMON = 0.1
COMMONLY = 0.95
ABSENT = 0.5
STRUCTURED = 2.0
WIDTHS_A_LOOP = 60.0
SINGLE = 3.0
CROWDED = 10.0
NEAR = 0.3
SPECKLED = 0.1
PINHOLES = 5
NOISY = 1 / 3
AGREE = 0.85
LARGE_WIDTH = 20.0
SKEWED = 100.0
FEW_IMAGES = 10
ANISOTROPIC = 3.0


def is_thin(one: ClassProfile) -> bool:
    """Whether a class is long and thin: much centre line for its width, and not wide.

    A ring or another shape that has the same few components and loops everywhere is none: there
    the numbers themselves can be asked for.

    Args:
        one: The class.
    """
    return is_long(one) and fixed_numbers(one) is None


def is_long(one: ClassProfile) -> bool:
    """Whether a class has much centre line for its width, and is not wide.

    Args:
        one: The class.
    """
    return one.elongation >= THIN_LENGTH and one.width() <= THIN_WIDTH


def is_tree(one: ClassProfile, ndim: int) -> bool:
    """Whether a thin class of images branches more than it closes: few loops for its length.

    Vessels have 155 widths of centre line for each loop, membranes 20. Volumes are none: no
    training of ours says so of them.

    Args:
        one: The class.
        ndim: Of the label maps.
    """
    return ndim == 2 and is_thin(one) and one.widths_a_loop >= WIDTHS_A_LOOP


def is_compact(one: ClassProfile) -> bool:
    """Whether a class consists of blobs: little centre line for its width."""
    return one.elongation < THIN_LENGTH


def fixed_numbers(one: ClassProfile) -> tuple[int, int, int] | None:
    """Betti numbers that nearly every image shows, if they are few and not one plain piece.

    Args:
        one: The class.

    Returns:
        Components, loops and cavities; None where images differ.
    """
    numbers = one.betti
    if len(numbers) < 5:
        return None
    first = max(set(numbers), key=numbers.count)
    alike = numbers.count(first) >= COMMONLY * len(numbers)
    return first if alike and sum(first) <= 4 and first != (1, 0, 0) else None


def noise(one: ClassProfile) -> float:
    """Share of components, loops and cavities that are one pixel large.

    Args:
        one: The class.
    """
    tiny = one.total("specks") + one.total("pinholes")
    return tiny / max(sum(map(one.total, ("components", "loops", "cavities"))), 1.0)


def is_noisy(one: ClassProfile) -> bool:
    """Whether so much of what can be counted is one pixel large that a count is one of noise.

    Args:
        one: The class.
    """
    return noise(one) >= NOISY


def noise_said(noisy: Sequence[ClassProfile], profile: Profile) -> str:
    """Why nothing counts the components of noisy classes.

    Args:
        noisy: At least one class.
        profile: All of them.
    """
    return (
        f"{named(noisy, profile)}{noise(noisy[0]):.0%} of the components and holes are single"
        " pixels or pinholes: what would be counted is noise"
    )


def numbers_said(numbers: Iterable[float]) -> str:
    """Betti numbers in words, without cavities where there are none.

    Args:
        numbers: Of components, loops and cavities.

    Example:
        >>> numbers_said((1, 56, 0)), numbers_said((2, 0, 1.0))
        ('1 component and 56 loops', '2 components, 0 loops and 1 cavity')
    """
    *others, last = (
        f"{count:.0f} {plural(name, round(count))}"
        for name, count in zip(NAMES, numbers, strict=True)
        if count or name != "cavity"
    )
    return f"{', '.join(others)} and {last}"


def object_size(one: ClassProfile) -> float:
    """Median size of components, without single pixels where they are as many as noise is.

    Args:
        one: The class.
    """
    sizes = one.sizes
    if one.part("specks") >= SPECKLED and (sizes > 1).any():
        sizes = sizes[sizes > 1]
    return float(np.median(sizes)) if sizes.size else float("nan")


def restricted(chosen: Sequence[ClassProfile], profile: Profile) -> dict[str, list[int]]:
    """The option that restricts a loss to classes, nothing where all but class 0 are meant.

    Args:
        chosen: Some classes.
        profile: All that were measured; where --classes asked for some, a network has more.
    """
    indices = sorted(one.index for one in chosen)
    return {} if indices == list(range(1, profile.num_classes)) else {"classes": indices}


def named(chosen: Sequence[ClassProfile], profile: Profile) -> str:
    """The classes in front of a sentence; nothing where there is one class.

    Args:
        chosen: Some classes.
        profile: All of them.
    """
    if len(profile.classes) == 1:
        return ""
    names = ", ".join(one.name for one in chosen[:4]) + ("…" if len(chosen) > 4 else "")
    return f"{names}: "


def shown(profile: Profile) -> list[ClassProfile]:
    """Classes that any image shows.

    Args:
        profile: Of all classes.
    """
    return [one for one in profile.classes if one.shown]
