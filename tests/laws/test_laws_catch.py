"""Each law fails for a loss that is broken in just that way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from seglosses.laws import Subject, examine
from seglosses.losses import CrossEntropyLoss

sound = CrossEntropyLoss()


def nan_when_all_ignored(pred: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(pred, target, ignore_index=255)


def off_by_a_constant(pred: Tensor, target: Tensor) -> Tensor:
    return sound(pred, target) + 0.1


def inverted(pred: Tensor, target: Tensor) -> Tensor:
    return sound(-pred, target)


def flattens_classes(pred: Tensor, target: Tensor) -> Tensor:
    right = pred.softmax(1).gather(1, target.where(target != 255, 0).unsqueeze(1)).squeeze(1)
    valid = target != 255
    return 1 - (right * valid).sum().clamp(min=1e-6) / valid.sum().clamp(min=1e-6)


def counts_what_weighs_nothing(
    pred: Tensor, target: Tensor, weight: Tensor | None = None
) -> Tensor:
    return sound(pred, target, weight=None if weight is None else weight + 1e-3)


def counts_ignored(pred: Tensor, target: Tensor) -> Tensor:
    return sound(pred, target) + 1e-3 * pred.softmax(1).square().mean() - 1e-3


def overflows_in_half(pred: Tensor, target: Tensor) -> Tensor:
    return sound(pred, target) * (pred.abs().sum() / pred.float().abs().sum().clamp(min=1e-6))


def prefers_the_first_image(pred: Tensor, target: Tensor) -> Tensor:
    return sum((sound(pred[i : i + 1], target[i : i + 1]) / (i + 1) for i in range(len(pred))), 0)


def prefers_class_one(pred: Tensor, target: Tensor) -> Tensor:
    return CrossEntropyLoss(class_weight=[1.0, 2.0, 3.0])(pred, target)


def prefers_the_left(pred: Tensor, target: Tensor) -> Tensor:
    return sound(pred, target, weight=torch.linspace(0, 1, target.shape[-1]).expand(target.shape))


def detached(pred: Tensor, target: Tensor) -> Tensor:
    return sound(pred, target) * (1 + pred.detach().square().mean())


def without_graph(pred: Tensor, target: Tensor) -> Tensor:
    return sound(pred, target).detach()


def turns_gradients_on(pred: Tensor, target: Tensor) -> Tensor:
    torch.set_grad_enabled(True)
    return sound(pred, target)


def writes_to_labels(pred: Tensor, target: Tensor) -> Tensor:
    value = sound(pred, target)
    target[target == 1] = 0
    return value


def soft_by_argmax(pred: Tensor, target: Tensor) -> Tensor:
    if target.is_floating_point():
        return sound(pred, target) * 1.5
    return sound(pred, target)


def raises_on_one_pixel(pred: Tensor, target: Tensor) -> Tensor:
    if target.numel() == 1:
        raise IndexError("too few pixels")
    return sound(pred, target)


def depth_counts_twice(pred: Tensor, target: Tensor) -> Tensor:
    return sound(pred, target) * (pred.dim() - 3)


def favours_tall_images(pred: Tensor, target: Tensor) -> Tensor:
    return sound(pred, target) * target.shape[-2] / 12


def measures_to_nowhere(pred: Tensor, target: Tensor) -> Tensor:
    # SciPy gives a mask without background the distance to a pixel outside of the image
    far = ndimage.distance_transform_edt(target[0].numpy() == 1)
    return sound(pred, target) + (pred[0, 1].sigmoid() * torch.from_numpy(far)).mean()


def wraps_around(pred: Tensor, target: Tensor) -> Tensor:
    return (pred.softmax(1)[:, 0] * (target - 1)).mean()


def walks_by_strides(pred: Tensor, target: Tensor) -> Tensor:
    rows = torch.as_strided(pred, (pred.numel(),), (1,)).view(pred.shape)
    return sound(rows, target)


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (nan_when_all_ignored, "all_ignored_is_a_zero_with_a_graph"),
        (off_by_a_constant, "perfect_prediction_costs_zero"),
        (inverted, "wrong_prediction_costs_more"),
        (flattens_classes, "missed_rare_class_costs"),
        (counts_what_weighs_nothing, "weights_of_zero_cost_nothing"),
        (counts_ignored, "ignored_pixels_do_not_matter"),
        (overflows_in_half, "half_precision_agrees"),
        (prefers_the_first_image, "image_order_is_irrelevant"),
        (prefers_class_one, "class_order_is_irrelevant"),
        (prefers_the_left, "mirror_images_cost_the_same"),
        (favours_tall_images, "mirror_images_cost_the_same"),
        (measures_to_nowhere, "one_label_has_no_sides"),
        (wraps_around, "integer_labels_of_any_type"),
        (walks_by_strides, "order_in_memory_is_irrelevant"),
        (detached, "gradient_is_the_derivative"),
        (without_graph, "degenerate_inputs_are_finite"),
        (turns_gradients_on, "caller_is_left_alone"),
        (writes_to_labels, "caller_is_left_alone"),
        (soft_by_argmax, "soft_and_hard_labels_agree"),
        (raises_on_one_pixel, "degenerate_inputs_are_finite"),
        (depth_counts_twice, "one_slice_equals_two_dimensions"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_law_catches(broken: Callable[..., Tensor], law: str) -> None:
    subject = Subject("broken", "segmentation", broken, soft=True, dims=(2, 3), weighted=True)
    findings = {finding.law: finding for finding in examine(subject)}
    assert not findings[law].holds
    assert findings[law].words


def test_labels_that_are_refused_aloud_mislead_nobody() -> None:
    def refuses(pred: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(pred.log_softmax(1), target)  # int64 and uint8 only

    findings = {f.law: f for f in examine(Subject("refuses", "segmentation", refuses))}
    assert findings["integer_labels_of_any_type"].holds


def area_in_half(pred: Tensor, target: Tensor) -> Tensor:
    return ((pred - target).square().sum() + 1e-12).sqrt()


def attracts_from_afar(pred: Tensor, target: Tensor) -> Tensor:
    gap = (pred - target).abs().sum()
    return gap * torch.exp(-gap / 40)


def divides_by_area(pred: Tensor, target: Tensor) -> Tensor:
    area = (pred[:, 2] - pred[:, 0]) * (pred[:, 3] - pred[:, 1])
    return ((pred - target).abs().sum(1) / area).sum()


def counts_position(pred: Tensor, target: Tensor) -> Tensor:
    return ((pred - target).abs().sum(1) * pred[:, 0].abs()).sum()


def counts_rows(pred: Tensor, target: Tensor) -> Tensor:
    return ((pred - target).abs().sum(1) * torch.arange(1, len(pred) + 1)).sum()


def mean_of_nothing(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).abs().mean()


def forgets_weights(pred: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    return (pred - target).abs().sum()


def climbs(pred: Tensor, target: Tensor) -> Tensor:
    return -(pred - target).abs().sum()


def never_zero(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).abs().sum() + len(pred)


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (area_in_half, "half_precision_agrees"),
        (attracts_from_afar, "distance_never_pays"),
        (divides_by_area, "degenerate_boxes_are_finite"),
        (counts_position, "place_is_irrelevant"),
        (counts_rows, "row_order_is_irrelevant"),
        (mean_of_nothing, "no_boxes_cost_zero"),
        (forgets_weights, "weights_of_zero_cost_nothing"),
        (climbs, "distance_never_pays"),
        (never_zero, "identical_boxes_cost_zero"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_box_law_catches(broken: Callable[..., Tensor], law: str) -> None:
    findings = {f.law: f for f in examine(Subject("broken", "box", broken, weighted=True))}
    assert not findings[law].holds


def uphill(pred: Tensor, target: Tensor) -> Tensor:
    gap = (pred - target).abs().sum()
    return gap.detach() + (-gap - (-gap).detach())


def test_box_law_catches_a_gradient_that_climbs() -> None:
    findings = {f.law: f for f in examine(Subject("uphill", "box", uphill))}
    assert not findings["gradient_descends"].holds
