"""Shapes of logits and labels that do not fit: why, and what to do."""

from __future__ import annotations

from torch import Tensor

from seglosses.primitives.inputs import described


def unfit(pred: Tensor, target: Tensor, use_sigmoid: bool) -> str:
    """What to say of a prediction and a target whose shapes fit no layout.

    Args:
        pred: What was given as logits.
        target: What was given as labels.
        use_sigmoid: Channels are independent.

    Returns:
        Both shapes, the layouts that there are, and the likeliest cause with its remedy.

    Example:
        >>> import torch
        >>> unfit(torch.zeros(4, 2, 8, 8), torch.zeros(3, 8, 8), False)[-67:]
        'pred holds 4 images and target 3: give both sides of the same batch'
    """
    stacked = pred.dim() > 3 and pred.dim() == target.dim() + 1 + (target.shape[1:2] != (1,))
    return (
        f"pred {described(pred)} and target {described(target)} fit no layout"
        f" (use_sigmoid={use_sigmoid}). Expected logits (N, C, *S) with labels (N, *S) or"
        " (N, 1, *S), or targets (N, C, *S), or with use_sigmoid=True masks of the shape of pred,"
        f" (n, P) or (n, H, W), or points (P,). {_cause(pred, target)}"
        + ("; call the loss for each of torch.unbind(pred, 1) of deep supervision" * stacked)
    )


def _cause(pred: Tensor, target: Tensor) -> str:
    """The likeliest reason why two shapes do not fit, and its remedy."""
    size, inner = tuple(pred.shape[2:]), tuple(target.shape)
    if inner == tuple(pred.shape[1:]) and len(inner) > 1:
        return "These are one image without a batch: give pred.unsqueeze(0), target.unsqueeze(0)"
    if pred.dim() > 3 and tuple(pred.shape[:-1]) == inner:
        return "The channels of pred come last: give pred.movedim(-1, 1)"
    if inner[1:] in (size, (1, *size)) and len(pred) != len(target):
        return (
            f"pred holds {len(pred)} images and target {len(target)}: give both sides of the same"
            " batch"
        )
    if size and inner[1:-1] == size and inner[-1] in (3, 4):
        return (
            "target is a picture in colours: read masks as one number per pixel (a palette, or"
            " Image.convert('L') of grey masks), not as RGB"
        )
    return f"{_resizing(pred, target)}; give volumes of masks a channel axis"


def _resizing(pred: Tensor, target: Tensor) -> str:
    """How logits come to the size of the labels, in words of those who know why they differ."""
    size = target.shape[-max(pred.dim() - 2, 1) :]
    mode = {3: "linear", 4: "bilinear", 5: "trilinear"}.get(pred.dim(), "bilinear")
    if pred.dim() < 3 or len(size) != pred.dim() - 2 or pred.shape[2:] == size:
        return "Resize logits to the label's size first"
    quarter = tuple(4 * side for side in pred.shape[2:]) == tuple(size)
    who = " (models of transformers such as SegFormer give a quarter of it)" if quarter else ""
    return (
        f"Resize logits to the label's size first{who}: torch.nn.functional.interpolate(pred,"
        f" {tuple(size)}, mode={mode!r})"
    )
