"""Non-maximum suppression that tells touching objects from double detections."""

from __future__ import annotations

import torch
from torch import Tensor

from seglosses.primitives._kernels_suppression import survivors

__all__ = ["diou_nms"]


def diou_nms(
    boxes: Tensor,
    scores: Tensor,
    labels: Tensor | None = None,
    *,
    iou_threshold: float = 0.5,
    beta: float = 1.0,
) -> Tensor:
    r"""Which boxes survive DIoU-NMS, best score first.

    From the best score down, a box suppresses those after it with

        IoU - (rho^2 / c^2)^beta > iou_threshold

    where rho is the distance of the centres and c the diagonal of the hull: a box whose centre is
    elsewhere is more likely another object. A smaller beta keeps more; ``math.inf`` gives greedy
    NMS. Equal scores keep their order. Boxes on other devices go to the CPU and indices come back.

    Args:
        boxes: (n, 2d).
        scores: (n,).
        labels: (n,); only boxes of the same label suppress each other.
        iou_threshold: In [0, 1].
        beta: Positive.

    Returns:
        Indices, (k,).

    Raises:
        ValueError: for other shapes or numbers.

    References:
        Zheng et al., AAAI 2020, arXiv:1911.08287; beta: the authors' code.

    Example:
        >>> boxes = torch.tensor([[0.0, 0, 10, 10], [3, 0, 13, 10], [0, 0, 10, 12]])
        >>> scores = torch.tensor([0.9, 0.8, 0.7])
        >>> diou_nms(boxes, scores).tolist()  # the second: 70 / 130 - 9 / 269 = 0.505
        [0]
        >>> diou_nms(boxes, scores, beta=0.6).tolist()  # 0.538 - 0.130
        [0, 1]
    """
    n = len(boxes)
    shapes = [tuple(x.shape) for x in (boxes, scores, labels) if x is not None]
    if boxes.dim() != 2 or boxes.shape[1] % 2 or any(s != (n,) for s in shapes[1:]):
        raise ValueError(f"expected boxes (n, 4), scores (n,) and labels (n,), got {shapes}")
    if not 0 <= iou_threshold <= 1 or not beta > 0:
        raise ValueError(
            f"iou_threshold must be in [0, 1] and beta positive, got {iou_threshold} and {beta}"
        )
    order = scores.detach().cpu().sort(descending=True, stable=True).indices
    ranked = boxes.detach().cpu().float()[order]
    kept = torch.zeros(n, dtype=torch.bool, device="cpu")
    if labels is None:
        kept[torch.from_numpy(survivors(ranked.numpy(), iou_threshold, beta))] = True
    else:
        names = labels.detach().cpu()[order]
        for name in torch.unique(names):
            rank = (names == name).nonzero().squeeze(1)
            found = torch.from_numpy(survivors(ranked[rank].numpy(), iou_threshold, beta))
            kept[rank[found]] = True
    return order[kept].to(boxes.device)
