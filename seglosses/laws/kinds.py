"""What a class of ours says about itself: which laws apply to its losses."""

from __future__ import annotations

import inspect
from typing import Literal

from seglosses.losses.base import BoxLoss, RotatedBoxLoss
from seglosses.losses.classes import ClassLoss


def box_kind(found: object) -> Literal["box", "rotated"] | None:
    """Which boxes a class of ours compares.

    Args:
        found: A class, or anything else.

    Returns:
        The kind of a :class:`~seglosses.laws.Subject`; None for what is no box loss of ours.

    Example:
        >>> from seglosses.losses import CIoULoss, DiceLoss, KLDLoss
        >>> box_kind(CIoULoss), box_kind(KLDLoss), box_kind(DiceLoss)
        ('box', 'rotated', None)
    """
    if not (inspect.isclass(found) and issubclass(found, BoxLoss)):
        return None
    return "rotated" if issubclass(found, RotatedBoxLoss) else "box"


def means_classes(found: object, *, sigmoid: bool = False) -> bool:
    """Whether a loss of ours leaves absent classes out of its mean.

    All losses of counts and maps do; with independent channels only those whose default says so.

    Args:
        found: A class, or anything else.
        sigmoid: Whether its channels are independent.

    Returns:
        Whether classes that neither label nor prediction has do not count.

    Example:
        >>> from seglosses.losses import CrossEntropyLoss, DiceLoss
        >>> means_classes(DiceLoss), means_classes(CrossEntropyLoss)
        (True, False)
    """
    if not (inspect.isclass(found) and issubclass(found, ClassLoss)):
        return False
    return not sigmoid or found.default_classes == "present_foreground"
