"""Laws of losses of aligned boxes: corners (n, 4) in pixels, or rotated boxes (n, 5).

Rotated boxes are (x, y, w, h, angle); they keep the laws of corners, and have two names each.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from seglosses.laws.subject import Law, Subject, close, close_for_type, require, shown


def _boxes(subject: Subject, count: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    corner = 40 * torch.rand(count, 2, generator=generator)
    size = 4 + 30 * torch.rand(count, 2, generator=generator)
    corners = scale * torch.cat([corner, corner + size], 1)
    angle = 3 * torch.rand(count, 1, generator=generator) - 1.5
    return _as_asked(subject, corners, angle)


def _as_asked(subject: Subject, corners: Tensor, angle: Tensor) -> Tensor:
    """Boxes of the subject's kind, turned by an angle where they have one."""
    if subject.kind == "box":
        return corners
    lower, upper = corners.chunk(2, 1)
    return torch.cat([(lower + upper) / 2, upper - lower, angle], 1)


def _moved(subject: Subject, boxes: Tensor, x: float, y: float = 0.0) -> Tensor:
    step = boxes.new_tensor([x, y, x, y] if subject.kind == "box" else [x, y, 0, 0, 0])
    return boxes + step


def identical_boxes_cost_zero(subject: Subject) -> None:
    """Equal boxes cost nothing, with a finite gradient, at every scale."""
    for scale in (0.02, 1.0, 32.0, 640.0, 1e4):
        boxes = _boxes(subject, 64, scale=scale)
        value, grad = subject.gradient(boxes, boxes)
        text = f"64 identical boxes at scale {scale:g}"
        require(abs(float(value)) <= 64e-6, f"{text} cost {float(value):.6g}, not 0")
        require(bool(torch.isfinite(grad).all()), f"{text} give a gradient that is not finite")
        require(float(grad.abs().max()) * scale <= 1e3, f"{text} give a gradient that explodes")


def distance_never_pays(subject: Subject) -> None:
    """Moving a box away from its target never makes it cheaper."""
    corners = torch.tensor([[0.0, 0.0, 20.0, 20.0]])
    target = _as_asked(subject, corners, torch.zeros(1, 1))
    last = -1.0
    for shift in (0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0, 40.0, 80.0, 400.0):
        value = float(subject.call(_moved(subject, target, shift), target))
        require(
            value >= last - 1e-5,
            f"a 20 px box {shift:g} px off costs {value:.6g}, less than {last:.6g} when nearer",
        )
        last = value


def row_order_is_irrelevant(subject: Subject) -> None:
    """Reversing the pairs leaves the value."""
    pred, target = _boxes(subject, 16), _boxes(subject, 16, seed=1)
    value, other = subject.call(pred, target), subject.call(pred.flip(0), target.flip(0))
    require(
        close(value, other, 1e-5), f"reversing changes {float(value):.7g} to {float(other):.7g}"
    )


def place_is_irrelevant(subject: Subject) -> None:
    """Moving both boxes together leaves the value."""
    pred, target = _boxes(subject, 16), _boxes(subject, 16, seed=1)
    value, other = (
        subject.call(pred, target),
        subject.call(_moved(subject, pred, 64, 64), _moved(subject, target, 64, 64)),
    )
    require(
        close(value, other, 1e-4), f"moving both changes {float(value):.7g} to {float(other):.7g}"
    )


def degenerate_boxes_are_finite(subject: Subject) -> None:
    """Points, lines, inverted and huge boxes give finite values and gradients."""
    rows = [
        ("a point on itself", [3.0, 3, 3, 3], [3.0, 3, 3, 3]),
        ("a point in a box", [3.0, 3, 3, 3], [0.0, 0, 8, 8]),
        ("a box against a point", [0.0, 0, 8, 8], [0.0, 0, 0, 0]),
        ("a line", [0.0, 0, 8, 0], [0.0, 0, 8, 8]),
        ("an inverted box", [3.0, 3, 1, 1], [0.0, 0, 2, 2]),
        ("the same inverted box twice", [3.0, 3, 1, 1], [3.0, 3, 1, 1]),
        ("touching boxes", [0.0, 0, 2, 2], [2.0, 0, 4, 2]),
        ("concentric boxes", [0.0, 0, 4, 4], [1.0, 1, 3, 3]),
        ("a huge box", [-1e20, -1e20, 1e20, 1e20], [0.0, 0, 8, 8]),
        ("a far box", [1e20, 1e20, 2e20, 2e20], [0.0, 0, 8, 8]),
    ]
    for name, pred, target in rows:
        turn = torch.full((1, 1), 0.5)
        p, t = (_as_asked(subject, torch.tensor([each]), turn) for each in (pred, target))
        with warnings.catch_warnings():
            # ours name targets without corners, which these are on purpose
            warnings.simplefilter("ignore")
            value, grad = subject.gradient(p, t)
        require(bool(torch.isfinite(value)), f"{name} costs {float(value)}: {shown(p, t)}")
        require(
            bool(torch.isfinite(grad).all()),
            f"{name} gives the gradient {grad.flatten().tolist()}: {shown(p, t)}",
        )
        require(abs(float(value)) < 1e6, f"{name} costs {float(value):.6g}: {shown(p, t)}")


def no_boxes_cost_zero(subject: Subject) -> None:
    """An empty batch gives a zero with a graph."""
    none = _boxes(subject, 0)
    value, _ = subject.gradient(none, none)
    require(float(value) == 0, f"no boxes cost {float(value)}, not 0")


def weights_of_zero_cost_nothing(subject: Subject) -> None:
    """Where every pair weighs nothing the value is exactly zero, and so is the gradient."""
    pred, target = _boxes(subject, 16), _boxes(subject, 16, seed=1)
    value, grad = subject.gradient(pred, target, weight=torch.zeros(16))
    require(float(value) == 0, f"16 boxes of weight 0 cost {float(value):.6g}")
    require(bool((grad == 0).all()), "boxes of weight 0 get a gradient")


def half_precision_agrees(subject: Subject) -> None:
    """float16 boxes of hundreds of pixels cost what the same numbers cost in float32."""
    pred = _boxes(subject, 16, scale=16.0).half()
    target = _boxes(subject, 16, seed=1, scale=16.0).half()
    half, full = subject.call(pred, target), subject.call(pred.float(), target.float())
    require(
        close_for_type(half, full),
        f"float16 boxes of up to 1000 px cost {float(half):.6g}, float32 {float(full):.6g}",
    )


def gradient_descends(subject: Subject) -> None:
    """A small step against the gradient makes overlapping pairs cheaper."""
    target = _boxes(subject, 16).double()
    shift = [3.0, -2.0, 1.0, 4.0] + [0.3] * (target.shape[1] - 4)
    pred = target + torch.tensor([shift], dtype=torch.float64)
    value, grad = subject.gradient(pred, target)
    require(float(grad.abs().max()) > 0, "overlapping boxes that differ get no gradient")
    step = 1e-3 / float(grad.abs().max())
    after = float(subject.call(pred - step * grad, target))
    require(after < float(value), f"a step downhill goes from {float(value):.9g} to {after:.9g}")


def names_of_a_box_are_equal(subject: Subject) -> None:
    """Turning by half a turn, or by a quarter with sides exchanged, is the same box."""
    pred, target = _boxes(subject, 16).double(), _boxes(subject, 16, seed=1).double()
    value, _ = subject.gradient(pred, target)
    quarter = torch.pi / 2
    for words, turns in (("half a turn", 2), ("a quarter, sides exchanged", 1), ("a turn", -4)):
        order = [0, 1, 3, 2, 4] if turns == 1 else [0, 1, 2, 3, 4]
        step = pred.new_tensor([0, 0, 0, 0, turns * quarter])
        for side, other in (
            ("predictions", subject.call(pred[:, order] + step, target)),
            ("targets", subject.call(pred, target[:, order] + step)),
        ):
            require(
                close(other, value, 1e-6),
                f"{side} turned by {words} cost {float(other):.7g}, before {float(value):.7g}",
            )


def turning_together_changes_nothing(subject: Subject) -> None:
    """Turning both boxes around one point leaves the value."""
    pred, target = _boxes(subject, 16).double(), _boxes(subject, 16, seed=1).double()
    value, _ = subject.gradient(pred, target)
    cos, sin = torch.tensor([0.4]).double().cos(), torch.tensor([0.4]).double().sin()

    def turned(boxes: Tensor) -> Tensor:
        x, y, w, h, angle = boxes.unbind(1)
        return torch.stack([cos * x - sin * y, sin * x + cos * y, w, h, angle + 0.4], 1)

    other = subject.call(turned(pred), turned(target))
    require(close(other, value, 1e-6), f"turning both gives {float(other)}, not {float(value)}")


BOX_LAWS: dict[str, Law] = {
    law.__name__: law
    for law in (
        identical_boxes_cost_zero,
        distance_never_pays,
        row_order_is_irrelevant,
        place_is_irrelevant,
        degenerate_boxes_are_finite,
        no_boxes_cost_zero,
        weights_of_zero_cost_nothing,
        half_precision_agrees,
        gradient_descends,
    )
}
ROTATED_LAWS: dict[str, Law] = {
    **BOX_LAWS,
    **{law.__name__: law for law in (names_of_a_box_are_equal, turning_together_changes_nothing)},
}
