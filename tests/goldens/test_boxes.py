"""Box losses and suppression against ten pairs of boxes.

MMDetection 3.3.0, Instinct323/Wise-IoU, malagoutou's Inner-, Shape- and Focaler-IoU,
jwwangchn/NWD, Jacobi93/Alpha-IoU; ``box_extra`` are formulas in float64. The sources add an eps of
1e-7 to 1e-3 in places.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from seglosses.losses import (
    bounded_iou_loss,
    ciou_loss,
    diou_loss,
    efficient_iou_loss,
    giou_loss,
    iou_loss,
    mpdiou_loss,
    normalized_wasserstein_loss,
    shape_iou_loss,
    siou_loss,
    wise_iou_loss,
)
from seglosses.primitives.boxes import Comparison
from seglosses.primitives.suppression import diou_nms
from tests.goldens.published import Slip, is_near, kinks_apart, numbers, values

VALUES, SLOPES, EXTRA = values("box_losses"), values("box_losses_grads"), values("box_extra")
PRED, TARGET = (torch.tensor(VALUES[f"boxes_{name}"]) for name in ("pred", "target"))
#: The pair of equal boxes, at which codes divide zero by zero.
EQUAL = 1
#: The pair with a common edge, where the overlap starts to grow.
TOUCHING = 6

linear = partial(iou_loss, mode="linear")
ungated = partial(ciou_loss, gate_alpha=False)
ROWS: dict[str, Callable[[Tensor, Tensor], Tensor] | Slip] = {
    "iou": lambda pred, target: Comparison(pred, target).iou,
    "mmdet/iou/linear": linear,
    "mmdet/iou/log": iou_loss,
    "mmdet/iou/square": partial(iou_loss, mode="square"),
    "mmdet/giou": giou_loss,
    "mmdet/diou": diou_loss,
    "mmdet/ciou": ciou_loss,
    "mmdet/eiou(extended)": Slip(
        efficient_iou_loss,
        EXTRA["efficient_iou(formula)"],
        "Extended IoU, another loss under the name of Efficient IoU",
    ),
    "mmdet/siou(default)": Slip(
        siou_loss, VALUES["mmdet/siou(neg_gamma)"], "the distance has the wrong sign"
    ),
    "mmdet/siou(neg_gamma)": siou_loss,
    "mmdet/bounded_iou": bounded_iou_loss,
    "wiou_repo/IoU": linear,
    "wiou_repo/WIoU": partial(wise_iou_loss, version=1),
    "wiou_repo/EIoU": Slip(
        efficient_iou_loss,
        EXTRA["efficient_iou(formula)"],
        "compares offsets of the centres where sides are meant",
    ),
    "wiou_repo/GIoU": giou_loss,
    "wiou_repo/DIoU": diou_loss,
    "wiou_repo/CIoU": ungated,
    "wiou_repo/SIoU": siou_loss,
    "wiou_repo/WIoUv3(mean_loss=.5)": partial(wise_iou_loss, version=3, mean=0.5),
    "wiou_repo/WIoUv2(mean_loss=.5)": partial(wise_iou_loss, version=2, mean=0.5),
    "shape_iou/scale0": shape_iou_loss,
    "shape_iou/scale1": partial(shape_iou_loss, scale=1.0),
    "focaler_iou/d0,u.95": partial(linear, interval=(0, 0.95)),
    "nwd/exp/12.8": normalized_wasserstein_loss,
    "nwd/log": partial(normalized_wasserstein_loss, mode="log"),
    "alpha_iou/GIoU/a3": partial(giou_loss, alpha=3),
    "alpha_iou/DIoU/a3": partial(diou_loss, alpha=3),
    "alpha_iou/CIoU/a3": partial(ungated, alpha=3),
    "alpha_iou/IoU/a3": partial(linear, alpha=3),
}
for ratio in (0.7, 1.0, 1.2):
    ROWS[f"inner_siou/ratio{ratio}"] = partial(siou_loss, inner_ratio=ratio)
    ROWS[f"inner_ciou/ratio{ratio}"] = partial(ungated, inner_ratio=ratio)
# eps of 1e-3 in every ratio of MMDetection's bounded IoU, of 1e-6 under the root of NWD
TOLERANCE = {"mmdet/bounded_iou": 6e-4, "nwd/exp/12.8": 3e-5}

FORMULAS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "efficient_iou(formula)": efficient_iou_loss,
    "focal_eiou gamma.5 (formula)": partial(efficient_iou_loss, focal_gamma=0.5),
    "mpdiou image 64x48 (formula)": partial(mpdiou_loss, image_size=(48, 64)),
    "ciou alpha gated iou>.5 (formula, float64)": ciou_loss,
    "ciou alpha ungated (formula, float64)": ungated,
}
SUPPRESSION = {"greedy": math.inf, "diou beta1.0": 1.0, "diou beta0.6": 0.6}


def test_every_number_has_a_row() -> None:
    assert ROWS.keys() | {"boxes_pred", "boxes_target"} == numbers("box_losses")
    assert ROWS.keys() - {"iou"} == numbers("box_losses_grads")
    kept = {f"nms thr{t} {name}" for t in (0.5, 0.7, 0.8) for name in SUPPRESSION}
    assert FORMULAS.keys() | kept == numbers("box_extra")


@pytest.mark.parametrize("name", ROWS)
def test_values(name: str) -> None:
    row = ROWS[name]
    published = torch.tensor(VALUES[name])
    if isinstance(row, Slip):
        is_near(row.ours(PRED, TARGET), row.right, atol=4e-6, rtol=2e-6)
        assert not torch.allclose(published, torch.tensor(row.right), atol=1e-2)
        return
    # equal boxes cost nothing; alpha of CIoU is 0 / 0 there in MMDetection, Wise- and Alpha-IoU
    published[EQUAL] = torch.where(published[EQUAL].isnan(), 0.0, published[EQUAL])
    is_near(row(PRED, TARGET), published, atol=TOLERANCE.get(name, 4e-6), rtol=2e-6)


@pytest.mark.parametrize("name", [name for name in SLOPES if not isinstance(ROWS[name], Slip)])
def test_gradients(name: str) -> None:
    row = ROWS[name]
    pred = PRED.clone().requires_grad_()
    row(pred, TARGET).sum().backward()
    published = torch.tensor(SLOPES[name])
    if "/WIoU" in name:
        # its factors are frozen, so that slopes of the value do not tell what holds at the kink
        published[TOUCHING] = pred.grad[TOUCHING]
    tolerance = 1e-3 if name in TOLERANCE else 1e-5
    kinks_apart(lambda at: row(at, TARGET.double()), PRED, pred.grad, published, tolerance)


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas(name: str) -> None:
    value = FORMULAS[name](PRED.double(), TARGET.double())
    is_near(value, EXTRA[name], atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8])
@pytest.mark.parametrize("name", SUPPRESSION)
def test_suppression(threshold: float, name: str) -> None:
    boxes, scores = (torch.tensor(EXTRA["_nms"][key]) for key in ("boxes", "scores"))
    kept = diou_nms(boxes, scores, iou_threshold=threshold, beta=SUPPRESSION[name])
    assert kept.tolist() == EXTRA[f"nms thr{threshold} {name}"]
