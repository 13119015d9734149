"""Laws of losses of logits and labels, each tried from the smallest input upwards."""

from __future__ import annotations

import torch

from seglosses.laws.inputs import SURE, blocky_labels, certain_logits, random_logits, shapes_of
from seglosses.laws.subject import Law, Subject, close, close_for_type, require, shown


def perfect_prediction_costs_zero(subject: Subject) -> None:
    """Certain logits of the true label cost nothing."""
    empty = torch.zeros(1, 4, 6, dtype=torch.long)
    for labels in [*(blocky_labels(subject, *shape) for shape in shapes_of(subject)), empty]:
        pred = certain_logits(subject, labels)
        value = subject.call(pred, labels)
        require(
            abs(float(value)) <= 1e-5,
            f"a perfect prediction costs {float(value):.6g}, not 0, for {shown(pred, labels)}",
        )


def wrong_prediction_costs_more(subject: Subject) -> None:
    """Certain logits of a wrong label cost more than those of the true one."""
    for shape in shapes_of(subject):
        labels = blocky_labels(subject, *shape)
        right = certain_logits(subject, labels, 4.0)
        wrong = certain_logits(subject, (labels + 1) % max(subject.channels, 2), 4.0)
        good, bad = float(subject.call(right, labels)), float(subject.call(wrong, labels))
        require(
            bad > good + 1e-3,
            f"a wrong prediction costs {bad:.6g}, the right one {good:.6g}, for"
            f" {shown(right, labels)}",
        )


def missed_rare_class_costs(subject: Subject) -> None:
    """Missing all of a class of four pixels among 400 costs at least a hundredth.

    Two independent channels are wrong there, and the loss may be a mean over all of them.
    """
    if subject.channels == 1:
        return
    labels = torch.zeros(1, 20, 20, dtype=torch.long)
    labels[0, :, 10:] = 1 if subject.channels > 2 else 0
    rare = subject.channels - 1
    labels[0, 4:6, 4:6] = rare
    missed = torch.where(labels == rare, 0, labels)
    value = float(subject.call(certain_logits(subject, missed), labels))
    least = 0.02 / subject.channels if subject.independent else 0.01
    require(value >= least, f"missing a whole class of 4 of 400 pixels costs {value:.6g}")


def every_channel_is_a_foreground(subject: Subject) -> None:
    """Of independent channels every one gets a gradient, the first one too."""
    silent = torch.ones(subject.channels, dtype=torch.bool)
    for seed in range(4):
        labels = blocky_labels(subject, 2, 24, 20, seed=seed)
        _, grad = subject.gradient(random_logits(subject, labels, seed), labels)
        silent &= grad.movedim(1, 0).flatten(1).abs().amax(1) == 0
    places = silent.nonzero().flatten().tolist()
    require(not places, f"channels {places} of {subject.channels} never get a gradient")


def ignored_pixels_do_not_matter(subject: Subject) -> None:
    """Logits at ignored pixels change neither value nor gradient and get none."""
    if subject.ignore_index is None:
        return
    for shape in shapes_of(subject):
        labels = blocky_labels(subject, *shape)
        labels[..., 0] = subject.ignore_index
        ignored = (labels == subject.ignore_index).unsqueeze(1)
        pred = random_logits(subject, labels)
        other = torch.where(ignored, 7.0 - 3 * pred, pred)
        value, grad = subject.gradient(pred, labels)
        changed, other_grad = subject.gradient(other, labels)
        text = shown(pred, labels)
        leak = float((grad * ignored).abs().max())
        require(leak == 0, f"ignored pixels get a gradient of {leak:.6g} for {text}")
        require(
            close(value, changed, 1e-6),
            f"logits at ignored pixels change the value from {float(value):.6g} to"
            f" {float(changed):.6g} for {text}",
        )
        require(close(grad, other_grad, 1e-6), f"ignored logits change the gradient for {text}")


def all_ignored_is_a_zero_with_a_graph(subject: Subject) -> None:
    """Nothing to learn from costs exactly zero and gives a zero gradient, not NaN."""
    if subject.ignore_index is None:
        return
    for shape in [(1, 1, 1), (2, 12, 16)]:
        labels = torch.full(shape, subject.ignore_index)
        pred = random_logits(subject, labels)
        value, grad = subject.gradient(pred, labels)
        text = shown(pred, labels)
        require(float(value) == 0, f"an all-ignored batch costs {float(value):.6g} for {text}")
        require(bool((grad == 0).all()), f"an all-ignored batch gives a gradient for {text}")


def weights_of_zero_cost_nothing(subject: Subject) -> None:
    """Where every pixel weighs nothing the value is exactly zero, and so is the gradient."""
    for shape in shapes_of(subject):
        labels = blocky_labels(subject, *shape)
        pred = random_logits(subject, labels)
        value, grad = subject.gradient(pred, labels, weight=torch.zeros(shape))
        text = shown(pred, labels)
        require(float(value) == 0, f"pixels of weight 0 cost {float(value):.6g} for {text}")
        require(bool((grad == 0).all()), f"pixels of weight 0 get a gradient for {text}")


def one_valid_pixel_is_enough(subject: Subject) -> None:
    """A batch of which one pixel counts has a finite value, and a gradient there alone."""
    if subject.ignore_index is None:
        return
    for shape in [(1, 2, 2), (2, 6, 8)]:
        labels = torch.full(shape, subject.ignore_index)
        labels[0, 1, 1] = 1
        pred = random_logits(subject, labels)
        value, grad = subject.gradient(pred, labels)
        text = shown(pred, labels)
        require(bool(torch.isfinite(value)), f"one valid pixel costs {float(value)} for {text}")
        grad[0, :, 1, 1] *= 0
        require(bool((grad == 0).all()), f"the gradient leaves the only valid pixel for {text}")


def own_probabilities_are_finite(subject: Subject) -> None:
    """Soft targets equal to the prediction, where differences round to tiny negatives."""
    if not subject.soft:
        return
    labels = torch.zeros(2, 4, 4, dtype=torch.long)
    for seed in range(12):
        pred = random_logits(subject, labels, seed)
        prob = pred.sigmoid() if subject.channels == 1 else pred.softmax(1)
        value, grad = subject.gradient(pred, prob)
        text = f"targets that are the prediction's own probabilities, {shown(pred, prob)}"
        require(bool(torch.isfinite(value)), f"the value is {float(value)} for {text}")
        require(bool(torch.isfinite(grad).all()), f"the gradient is not finite for {text}")


def degenerate_inputs_are_finite(subject: Subject) -> None:
    """One pixel, one row, one class, no image, saturated and constant logits: all finite.

    So in images as in volumes.
    """
    last = max(subject.channels, 2) - 1
    cases = [
        torch.zeros(1, 1, 1, dtype=torch.long),
        torch.full((1, 1, 1), last),
        torch.zeros(0, 8, 8, dtype=torch.long),
        torch.zeros(1, 1, 9, dtype=torch.long),
        torch.zeros(2, 8, 8, dtype=torch.long),
        torch.full((2, 8, 8), last),
        blocky_labels(subject, 2, 8, 8),
    ]
    if 3 in subject.dims:
        cases += [torch.zeros(1, 1, 1, 1, dtype=torch.long), blocky_labels(subject, 1, 4, 6, 5)]
    for labels in cases:
        base = certain_logits(subject, labels, 1.0)
        for strength in (0.0, 1.0, -1.0, SURE, -SURE, 1e4, -1e4):
            pred = base * strength
            value, grad = subject.gradient(pred, labels)
            text = f"logits of strength {strength:g} and {shown(pred, labels)}"
            require(bool(torch.isfinite(value)), f"the value is {float(value)} for {text}")
            require(bool(torch.isfinite(grad).all()), f"the gradient is not finite for {text}")


def background_alone_is_finite(subject: Subject) -> None:
    """A batch in which nothing is to be found trains: value and gradient are finite."""
    for seed, shape in enumerate(shapes_of(subject)):
        labels = torch.zeros(shape, dtype=torch.long)
        sure = certain_logits(subject, labels)
        for pred in (random_logits(subject, labels, seed), sure):
            value, grad = subject.gradient(pred, labels)
            text = f"labels without a foreground, {shown(pred, labels)}"
            require(bool(torch.isfinite(value)), f"the value is {float(value)} for {text}")
            require(bool(torch.isfinite(grad).all()), f"the gradient is not finite for {text}")


def half_precision_agrees(subject: Subject) -> None:
    """float16 and bfloat16 logits cost what the same numbers cost in float32.

    On small and large images, and on a volume.
    """
    sizes: list[tuple[int, ...]] = [(12, 12), (subject.side, subject.side)]
    if 3 in subject.dims:
        sizes.append((5, 12, 10))
    for dtype in (torch.float16, torch.bfloat16):
        for size in sizes:
            labels = blocky_labels(subject, 1, *size)
            pred = random_logits(subject, labels).to(dtype)
            half, full = subject.call(pred, labels), subject.call(pred.float(), labels)
            require(
                close_for_type(half, full),
                f"{dtype} costs {float(half):.6g}, float32 {float(full):.6g} for the same numbers,"
                f" {shown(pred, labels)}",
            )


def gradient_is_the_derivative(subject: Subject) -> None:
    """A small step along a random direction changes the value as the gradient says.

    In images and in a volume; in float64 where the loss computes in it, else in float32 with a
    longer step.
    """
    shapes: list[tuple[int, ...]] = [(2, 12, 16)]
    if 3 in subject.dims:
        shapes.append((1, 4, 10, 9))
    for shape in shapes:
        labels = blocky_labels(subject, *shape)
        pred, step, tolerance = random_logits(subject, labels).double(), 1e-6, 1e-3
        try:
            exact = subject.call(pred, labels).dtype == torch.float64
        except Exception:
            exact = False
        if not exact:
            pred, step, tolerance = pred.float(), 1e-2, 3e-2
        direction = random_logits(subject, labels, seed=7).to(pred.dtype)
        _, grad = subject.gradient(pred, labels)
        predicted = float((grad * direction).sum())
        ahead = float(subject.call(pred + step * direction, labels))
        behind = float(subject.call(pred - step * direction, labels))
        seen = (ahead - behind) / (2 * step)
        require(
            abs(seen - predicted) <= tolerance * max(abs(seen), tolerance),
            f"along a random direction the value changes by {seen:.6g} per unit, the gradient says"
            f" {predicted:.6g}, for pred of {tuple(pred.shape)}",
        )


def caller_is_left_alone(subject: Subject) -> None:
    """Inputs are not written to, the grad mode stays, and a second call gives the same."""
    labels = blocky_labels(subject, 2, 12, 16)
    pred = random_logits(subject, labels)
    pred_before, labels_before = pred.clone(), labels.clone()
    with torch.no_grad():
        first = subject.call(pred, labels)
        mode = torch.is_grad_enabled()
    with torch.no_grad():
        second = subject.call(pred, labels)
    require(not mode, "the grad mode was turned on inside no_grad")
    require(torch.equal(pred, pred_before), "the prediction was changed in place")
    require(torch.equal(labels, labels_before), "the labels were changed in place")
    require(torch.equal(first, second), f"two calls give {float(first)!r} and {float(second)!r}")


SEGMENTATION_LAWS: dict[str, Law] = {
    law.__name__: law
    for law in (
        perfect_prediction_costs_zero,
        wrong_prediction_costs_more,
        missed_rare_class_costs,
        every_channel_is_a_foreground,
        ignored_pixels_do_not_matter,
        all_ignored_is_a_zero_with_a_graph,
        weights_of_zero_cost_nothing,
        one_valid_pixel_is_enough,
        own_probabilities_are_finite,
        degenerate_inputs_are_finite,
        background_alone_is_finite,
        half_precision_agrees,
        gradient_is_the_derivative,
        caller_is_left_alone,
    )
}
