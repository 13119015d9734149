"""Pictures of gradients: on a wall with four errors of topology, and on four boxes."""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from gradients import DEFECTS, wall
from scipy import ndimage

from seglosses.laws.stand_ins import StandIn
from seglosses.losses.loss import Loss
from seglosses.losses.rows import BoxLoss, RotatedBoxLoss

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.patheffects import withStroke

#: What is wrong with a box, and the box (x1, y1, x2, y2) beside the target of 20 to 44.
BOXES = {
    "shifted": (28.0, 24.0, 52.0, 48.0),
    "too small": (26.0, 28.0, 38.0, 38.0),
    "too large": (12.0, 14.0, 52.0, 56.0),
    "beside it": (48.0, 36.0, 60.0, 50.0),
}
TARGET = (20.0, 20.0, 44.0, 44.0)
#: The same with rotation, (x, y, w, h, angle); the target is a bar at 30 degrees.
ROTATED = {
    "turned": (32.0, 32.0, 30.0, 12.0, -0.2),
    "shifted": (38.0, 28.0, 30.0, 12.0, math.pi / 6),
    "too large": (32.0, 32.0, 44.0, 22.0, math.pi / 6),
    "beside it": (52.0, 52.0, 14.0, 8.0, 0.2),
}
BAR = (32.0, 32.0, 30.0, 12.0, math.pi / 6)


def draw(loss: Loss, path: Path) -> str:
    """Draw the direction of descent of a loss, and say in a sentence what the picture shows.

    Args:
        loss: Of segmentation, or of boxes.
        path: Of the picture to write.

    Raises:
        ValueError: where the loss has no gradient on any of the four errors.
    """
    figure, said = _boxes(loss) if isinstance(loss, BoxLoss) else _wall(loss)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else {"Software": None})
    plt.close(figure)
    return said


def _wall(loss: Loss) -> tuple[mpl.figure.Figure, str]:
    label, logits, errors = wall()
    logits.requires_grad_()
    value = StandIn(loss)(logits, label)
    torch.autograd.backward(value.sum())
    assert logits.grad is not None
    descent = -logits.grad[0, 1].numpy()
    largest = float(np.abs(descent).max())
    if largest == 0:
        raise ValueError("no gradient anywhere")
    seen = logits.detach().argmax(1)[0].numpy()
    figure, axes = plt.subplots(1, 2, figsize=(6.4, 3.3), layout="constrained", dpi=90)
    for axis in axes:
        axis.axis("off")
    axes[0].imshow(0.5 + 0.25 * label[0].numpy() - 0.5 * seen, cmap="gray", vmin=0, vmax=1)
    axes[0].set_title("prediction", fontsize=11)
    edge = [withStroke(linewidth=2.5, foreground="black")]
    for name, mask in errors.items():
        top, column = np.nonzero(mask)[0].min(), np.nonzero(mask)[1].mean()
        axes[0].text(column, top - 1, name, color="gold", fontsize=11, ha="center", va="bottom",
                     path_effects=edge)  # fmt: skip
    scale = mpl.colors.SymLogNorm(largest / 100, vmin=-largest, vmax=largest)
    axes[1].imshow(descent, cmap="RdBu_r", norm=scale)
    axes[1].contour(seen, [0.5], colors="0.6", linewidths=0.4)
    axes[1].set_title("a step of descent", fontsize=11)
    total = np.abs(descent).sum()
    near = {name: ndimage.binary_dilation(errors[name], iterations=2) for name in DEFECTS}
    shares = [f"{name} {np.abs(descent)[near[name]].sum() / total:.0%}" for name in DEFECTS]
    return figure, f"Share of the gradient at each error: {', '.join(shares)}."


def _boxes(loss: BoxLoss) -> tuple[mpl.figure.Figure, str]:
    rotated = isinstance(loss, RotatedBoxLoss)
    cases, target = (ROTATED, BAR) if rotated else (BOXES, TARGET)
    figure, axes = plt.subplots(1, 4, figsize=(8.4, 2.4), layout="constrained", dpi=90)
    told = []
    for axis, (name, box) in zip(axes, cases.items(), strict=True):
        pred = torch.tensor([box], requires_grad=True)
        value = loss(pred, torch.tensor([target])).sum()
        value.backward()
        assert pred.grad is not None
        step = -pred.grad[0]
        largest = float(step.abs().max())
        moved = pred.detach()[0] + (6 / largest * step if largest else step)
        axis.set(xlim=(0, 72), ylim=(72, 0), aspect="equal", xticks=[], yticks=[])
        for each, style in (
            (torch.tensor(target), {"color": "tab:green", "lw": 2}),
            (pred.detach()[0], {"color": "tab:red", "lw": 2}),
            (moved, {"color": "tab:red", "lw": 1, "ls": ":"}),
        ):
            axis.plot(*_outline(each, rotated), **style)
        axis.set_title(f"{name}: {value.item():.2f}", fontsize=11)
        told.append(f"{name} {value.item():.2f}")
    words = "Green is the target, red the box, dotted the box after a step of descent"
    return figure, f"{words} (six pixels for the fastest coordinate). Loss: {', '.join(told)}."


def _outline(box: torch.Tensor, rotated: bool) -> tuple[list[float], list[float]]:
    if rotated:
        x, y, width, height, angle = box.tolist()
        along = (width / 2 * math.cos(angle), width / 2 * math.sin(angle))
        across = (-height / 2 * math.sin(angle), height / 2 * math.cos(angle))
        signs = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
        points = [
            (x + i * along[0] + j * across[0], y + i * along[1] + j * across[1]) for i, j in signs
        ]
    else:
        left, top, right, bottom = box.tolist()
        points = [(left, top), (right, top), (right, bottom), (left, bottom)]
    points = [*points, points[0]]
    return [x for x, _ in points], [y for _, y in points]
