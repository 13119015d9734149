"""The losses that the package exports, told from its bases and functions."""

from __future__ import annotations

from seglosses import losses
from seglosses.losses.loss import Loss


def loss_classes() -> dict[str, type[Loss]]:
    """Every loss class that ``seglosses.losses`` exports, by name.

    Families, exported for people who write losses, state no formula and are left out.

    Example:
        >>> 'DiceLoss' in loss_classes(), 'OverlapLoss' in loss_classes()
        (True, False)
    """
    members = {name: getattr(losses, name) for name in sorted(losses.EXPORTS)}
    return {
        name: member
        for name, member in members.items()
        if isinstance(member, type) and issubclass(member, Loss) and member.formula
    }
