"""How a class counts that is absent from one mask or from both."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

EmptyPolicy: TypeAlias = Literal["skip", "ignore_empty", "nan", "perfect", "worst"]
"""Names of :data:`POLICIES`; ``worst`` is the former name of ``perfect``."""
POLICIES: dict[EmptyPolicy, str] = {
    "skip": "absent from both masks: undefined, in no mean, counted; absent from one: overlap 0, "
    "distance the image diagonal",
    "ignore_empty": "absent from the ground truth: undefined whatever is predicted, in no mean, "
    "counted; absent from the prediction only: overlap 0, distance the image diagonal (MONAI's "
    "option of that name)",
    "nan": "absent from either mask: undefined, in no mean, counted; hides missed objects",
    "perfect": "absent from both masks: overlap 1, distance 0; absent from one: overlap 0, "
    "distance the image diagonal",
}
"""What each policy does, for readers."""


def policy(name: str) -> EmptyPolicy:
    """A policy by its name.

    Args:
        name: One of :data:`POLICIES`, or ``worst``.

    Returns:
        Its name today.

    Raises:
        ValueError: For another name.

    Example:
        >>> policy("worst")
        'perfect'
    """
    for known in get_args(EmptyPolicy):
        if name == known:
            return "perfect" if known == "worst" else known
    raise ValueError(
        f"expected empty to be perfect, ignore_empty, worst, skip or nan, got {name!r}"
    )


def is_left_out(name: EmptyPolicy, pred_empty: bool, target_empty: bool) -> bool:
    """Whether a policy leaves a pair of masks out of every mean.

    Args:
        name: The policy.
        pred_empty: Whether the prediction lacks the class.
        target_empty: Whether the ground truth lacks it.

    Returns:
        True where scores are undefined.

    Example:
        >>> [is_left_out(name, pred_empty=True, target_empty=True) for name in POLICIES]
        [True, True, True, False]
        >>> [is_left_out(name, pred_empty=False, target_empty=True) for name in POLICIES]
        [False, True, True, False]
        >>> [is_left_out(name, pred_empty=True, target_empty=False) for name in POLICIES]
        [False, False, True, False]
    """
    if name == "skip":
        return pred_empty and target_empty
    if name == "ignore_empty":
        return target_empty
    return name == "nan" and (pred_empty or target_empty)
