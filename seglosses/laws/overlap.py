"""Further laws, of losses that claim to measure overlap class by class."""

from __future__ import annotations

import torch
from torch import Tensor

from seglosses.laws.subject import Law, Subject, require

_SURE = 40.0


def _certain(labels: Tensor, channels: int) -> Tensor:
    classes = torch.arange(channels).view(1, -1, 1, 1)
    return torch.where(labels.unsqueeze(1) == classes, _SURE, -_SURE)


def a_class_weighs_as_a_class(subject: Subject) -> None:
    """Missing all of a class of four pixels among 400 costs more than those pixels' share."""
    if subject.channels == 1:
        return
    labels = torch.zeros(1, 20, 20, dtype=torch.long)
    labels[0, 4:6, 4:6] = subject.channels - 1
    value = float(subject.call(_certain(torch.zeros_like(labels), subject.channels), labels))
    require(
        value >= 0.05,
        f"missing a whole class, 4 of 400 pixels, costs {value:.4g}: the classes are flattened into"
        " one, or pixels counted",
    )


def all_wrong_is_never_cheaper_in_a_larger_image(subject: Subject) -> None:
    """Everything wrong costs as much in a large image as in a small one."""
    last: float | None = None
    for side in (8, 32, subject.side):
        labels = torch.zeros(1, side, side, dtype=torch.long)
        labels[0, : side // 2] = 1
        if subject.channels == 1:
            pred = torch.where(labels.unsqueeze(1) == 1, -_SURE, _SURE)
        else:
            pred = _certain(1 - labels, subject.channels)
        value = float(subject.call(pred, labels))
        require(
            last is None or value >= 0.98 * last,
            f"everything wrong costs {value:.4g} in an image of {side} x {side}, and"
            f" {last or 0:.4g} in a smaller one: smoothing drowns the weights",
        )
        last = value


OVERLAP_LAWS: dict[str, Law] = {
    law.__name__: law
    for law in (
        a_class_weighs_as_a_class,
        all_wrong_is_never_cheaper_in_a_larger_image,
    )
}
