"""Laws of losses of logits and labels: what may change about an image without changing its cost."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from seglosses.laws.inputs import SURE, blocky_labels, certain_logits, random_logits
from seglosses.laws.subject import Law, Subject, close, require, shown

_MIRRORS: dict[str, Callable[[Tensor], Tensor]] = {
    "mirroring left and right": lambda image: image.flip(-1),
    "mirroring up and down": lambda image: image.flip(-2),
    "exchanging rows and columns": lambda image: image.transpose(-1, -2).contiguous(),
}


def image_order_is_irrelevant(subject: Subject) -> None:
    """Reversing the batch leaves the value."""
    labels = torch.cat(
        [blocky_labels(subject, 2, 12, 16), blocky_labels(subject, 1, 12, 16, seed=3)]
    )
    pred = random_logits(subject, labels)
    value, other = subject.call(pred, labels), subject.call(pred.flip(0), labels.flip(0))
    require(
        close(value, other, 1e-5),
        f"reversing the batch changes {float(value):.7g} to {float(other):.7g}",
    )


def class_order_is_irrelevant(subject: Subject) -> None:
    """Renaming the foreground classes leaves the value."""
    if subject.channels < 3:
        return
    labels = blocky_labels(subject, 2, 12, 16)
    pred = random_logits(subject, labels)
    order = torch.tensor([0, *range(subject.channels - 1, 0, -1)])
    value, other = subject.call(pred, labels), subject.call(pred[:, order], order[labels])
    require(
        close(value, other, 1e-5),
        f"renaming classes changes {float(value):.7g} to {float(other):.7g}",
    )


def absent_class_does_not_matter(subject: Subject) -> None:
    """A class that neither label nor prediction has does not dilute the mean."""
    if subject.channels < 3:
        return
    labels = torch.zeros(2, 12, 16, dtype=torch.long)
    # of two images the second one has background alone
    labels[0, 2:7, 3:11] = 1
    pred = random_logits(subject, labels)[:, :-1]
    more = torch.cat([pred, torch.full_like(pred[:, :1], -SURE)], 1)
    value, diluted = subject.call(pred, labels), subject.call(more, labels)
    require(
        close(diluted, value, 1e-3),
        f"one more class, nowhere labelled or predicted, changes {float(value):.6g} to"
        f" {float(diluted):.6g}",
    )


def mirror_images_cost_the_same(subject: Subject) -> None:
    """Flipping left and right, up and down, or along the diagonal leaves the value."""
    labels = blocky_labels(subject, 2, 12, 16)
    _mirrors_agree(subject, random_logits(subject, labels), labels)


def one_label_has_no_sides(subject: Subject) -> None:
    """Where the whole image has one label, mirrored logits cost the same.

    Distance maps break this: a mask that is full has no background to measure to.
    """
    for label in range(max(subject.channels, 2)):
        labels = torch.full((2, 12, 16), label)
        _mirrors_agree(subject, random_logits(subject, labels), labels)


def _mirrors_agree(subject: Subject, pred: Tensor, labels: Tensor) -> None:
    value = subject.call(pred, labels)
    require(bool(torch.isfinite(value)), f"the value is {float(value)} for {shown(pred, labels)}")
    for name, mirror in _MIRRORS.items():
        other = subject.call(mirror(pred), mirror(labels))
        require(
            close(value, other, 1e-4),
            f"{name} changes {float(value):.7g} to {float(other):.7g} for {shown(pred, labels)}",
        )


def order_in_memory_is_irrelevant(subject: Subject) -> None:
    """Transposed views of tensors, and channels last, cost what contiguous copies cost."""
    labels = blocky_labels(subject, 2, 12, 16)
    pred = random_logits(subject, labels)
    value = subject.call(pred, labels)
    views = {
        "views that step down the columns": _by_columns(pred),
        "channels last": pred.contiguous(memory_format=torch.channels_last),
    }
    for name, view in views.items():
        other = subject.call(view, _by_columns(labels))
        require(
            close(value, other, 1e-5),
            f"{name} cost {float(other):.7g}, contiguous tensors {float(value):.7g}",
        )


def _by_columns(image: Tensor) -> Tensor:
    return image.transpose(-1, -2).contiguous().transpose(-1, -2)


def integer_labels_of_any_type(subject: Subject) -> None:
    """Labels of a smaller integer type cost the same, or are refused."""
    labels = blocky_labels(subject, 2, 12, 16)
    pred = random_logits(subject, labels)
    value = subject.call(pred, labels)
    for dtype in (torch.uint8, torch.int32):
        try:
            other = subject.call(pred, labels.to(dtype))
        except Exception:  # said aloud, it misleads nobody
            continue
        require(
            close(value, other, 1e-5),
            f"labels of {dtype} cost {float(other):.7g}, the same in int64 {float(value):.7g}",
        )


def soft_and_hard_labels_agree(subject: Subject) -> None:
    """One-hot targets give the value and gradient of the labels they stand for."""
    if not subject.soft:
        return
    labels = blocky_labels(subject, 2, 12, 16)
    pred = random_logits(subject, labels)
    if subject.channels == 1:
        dense = (labels == 1).unsqueeze(1).float()
    else:
        dense = (certain_logits(subject, labels) > 0).float()
    value, grad = subject.gradient(pred, labels)
    other, other_grad = subject.gradient(pred, dense)
    require(
        close(value, other, 1e-5),
        f"hard labels cost {float(value):.7g}, the same as soft ones {float(other):.7g}",
    )
    require(close(grad, other_grad, 1e-5), "hard and soft labels give different gradients")


def one_slice_equals_two_dimensions(subject: Subject) -> None:
    """A volume of one slice costs what the image costs."""
    if not {2, 3} <= set(subject.dims):
        return
    labels = blocky_labels(subject, 2, 12, 16)
    pred = random_logits(subject, labels)
    value, grad = subject.gradient(pred, labels)
    volume, volume_grad = subject.gradient(pred.unsqueeze(2), labels.unsqueeze(1))
    require(
        close(value, volume, 1e-5),
        f"an image costs {float(value):.7g}, as a volume of one slice {float(volume):.7g}",
    )
    require(close(grad, volume_grad.squeeze(2), 1e-5), "image and slice have different gradients")


INVARIANCE_LAWS: dict[str, Law] = {
    law.__name__: law
    for law in (
        image_order_is_irrelevant,
        class_order_is_irrelevant,
        absent_class_does_not_matter,
        mirror_images_cost_the_same,
        one_label_has_no_sides,
        order_in_memory_is_irrelevant,
        integer_labels_of_any_type,
        soft_and_hard_labels_agree,
        one_slice_equals_two_dimensions,
    )
}
