"""Options that both a wrapper and the loss inside it may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def with_options(
    wrapper: str, loss: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """The config of the inner loss with the options that were given to its wrapper.

    Args:
        wrapper: Its name, for messages.
        loss: Config of the inner loss.
        options: By name, None for those that were not given.

    Returns:
        A new config.

    Raises:
        ValueError: for an option that both have.

    Example:
        >>> with_options("ForMaskHead", {"type": "seglosses.DiceLoss"}, {"loss_weight": 2.0})
        {'type': 'seglosses.DiceLoss', 'loss_weight': 2.0}
    """
    given = {name: value for name, value in options.items() if value is not None}
    if twice := [name for name in given if name in loss]:
        raise ValueError(
            f"{wrapper} and its loss both have {twice[0]} ({given[twice[0]]!r} and"
            f" {loss[twice[0]]!r}); give it once"
        )
    return {**loss, **given}
