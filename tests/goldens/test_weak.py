"""Losses of weak labels, features and attributions against published codes.

TY-Shi/FreeCOS, abhi1kumar/SeaBird, the energy loss of explanation guidance, RRR, mathilde-b/SFDA,
Yangr116/BoxSnake; a port of DeepFloorplan's weights and formulas of psychofict/CW-BASS.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from seglosses.extra_inputs import extra_inputs
from seglosses.losses import (
    BalancedCrossEntropyLoss,
    BoundaryCrossEntropyLoss,
    ConfidenceWeightedCrossEntropyLoss,
    DiceLoss,
    EntropyLoss,
    LevelSetLoss,
    LocalPairwiseLoss,
    PairwiseAffinityLoss,
    attribution_energy_loss,
    box_projection_loss,
    ciou_loss,
    class_ratio_kl_loss,
    confidence_threshold,
    info_nce_loss,
    right_reasons_loss,
    soft_class_ratios,
)
from tests.goldens.published import Slip, inputs, is_near, numbers, values

PUBLISHED, DATA = values("misc"), inputs("misc")
STUDENT, TEACHER = DATA["cw_student"], DATA["cw_teacher"]
QUERY, POSITIVE, NEGATIVE = (DATA[f"nce_{key}"] for key in "qpn")
ADAPTED = DATA["sfda_prob"].log()
#: Box (1, 1, 4, 3), and with it (3, 2, 6, 6).
FIRST = torch.zeros(1, 1, 6, 6)
FIRST[..., 1:3, 1:4] = 1
INSIDE = FIRST.clone()
INSIDE[..., 2:6, 3:6] = 1


def dice(prob: str, target: str) -> Callable[[], Tensor]:
    loss = DiceLoss(use_sigmoid=True, smooth=0.0, average="dataset", classes="all")
    return lambda: loss(DATA[prob].logit(), DATA[target])


def snake(loss: torch.nn.Module) -> Tensor:
    with extra_inputs(image=DATA["bs_img"]):
        return loss(DATA["bs_mask"].logit(), DATA["bs_box"][:, 0].long())


def extent() -> Tensor:
    """The smallest and largest coordinates of the polygon, as a box."""
    points = DATA["bs_poly"]
    return torch.cat([points.amin(1), points.amax(1)], 1)


def taught(loss: torch.nn.Module) -> Tensor:
    with extra_inputs(teacher=TEACHER):
        return loss(STUDENT, torch.zeros(1, 6, 6, dtype=torch.long))


def base() -> Tensor:
    return taught(ConfidenceWeightedCrossEntropyLoss())


def boundary() -> Tensor:
    return taught(BoundaryCrossEntropyLoss(edges="sobel"))


def balanced() -> Tensor:
    logits, hot = (DATA[f"dfp_{key}"].movedim(-1, 1) for key in ("logits", "onehot"))
    return BalancedCrossEntropyLoss()(logits, hot.argmax(1))


def textbook() -> float:
    """Cross-entropy of every channel, weighed by how rare its class is; from the formula."""
    z, y = (DATA[f"dfp_{key}"].double().flatten(0, 2) for key in ("logits", "onehot"))
    rare = y.sum() - y.sum(0)
    each = -(z.log_softmax(1) * y * rare / rare.sum()).sum(1)
    return float(each.mean())


ROWS: dict[str, Callable[[], Tensor] | Slip] = {
    "freecos/InfoNCE T.1 unpaired": lambda: info_nce_loss(QUERY, POSITIVE, NEGATIVE).mean(),
    "freecos/InfoNCE T.1 no negatives": lambda: info_nce_loss(QUERY, POSITIVE).mean(),
    "freecos/Dice": dice("prob", "target"),
    "seabird/Dice": dice("bev_prob", "bev_target"),
    "energy/boxes[[1,1,4,3],[3,2,6,6]]": lambda: attribution_energy_loss(
        DATA["attr"][None, None], INSIDE
    ).sum(),
    # of the first box alone
    "rrr": lambda: right_reasons_loss(DATA["attr"][None, None], FIRST).sum(),
    "sfda/weighted entropy w=[.1,.45,.45]": lambda: EntropyLoss(class_weight=[0.1, 0.45, 0.45])(
        ADAPTED, torch.zeros(2, 4, 4, dtype=torch.long)
    ),
    # prior sizes in pixels of 16
    "sfda/KL(pred prop || prior)": lambda: (
        class_ratio_kl_loss(soft_class_ratios(ADAPTED), DATA["sfda_bounds(pixels)"][..., 0] / 16)
        .sum(1)
        .mean()
    ),
    "boxsnake/loss_proj_dice": lambda: box_projection_loss(DATA["bs_mask"], DATA["bs_box"]).sum(),
    "boxsnake/loss_local_pairwise": lambda: snake(LocalPairwiseLoss()),
    "boxsnake/loss_global_pairwise": lambda: snake(LevelSetLoss()),
    "boxsnake/loss_points_proj": lambda: ciou_loss(
        extent(), torch.tensor([[1.0, 1.0, 4.0, 5.0]])
    ).sum(),
    "boxsnake/local_pairwise_v2(boxinst thr.1)": lambda: snake(PairwiseAffinityLoss()),
    "floorplan/balanced_entropy (literal port)": Slip(
        balanced, textbook(), "sums over rows of the image where classes are meant"
    ),
    "cwbass/threshold": lambda: confidence_threshold(TEACHER.softmax(1).amax(1)),
    "cwbass/base": base,
    "cwbass/boundary": boundary,
    "cwbass/total": lambda: base() + 0.5 * boundary(),
}


def test_every_number_has_a_row() -> None:
    assert ROWS.keys() == numbers("misc")


@pytest.mark.parametrize("name", ROWS)
def test_values(name: str) -> None:
    row = ROWS[name]
    if isinstance(row, Slip):
        is_near(row.ours(), row.right, atol=2e-6, rtol=1e-6)
        assert abs(PUBLISHED[name] - row.right) > 0.1
    else:
        is_near(row(), PUBLISHED[name], atol=1e-5, rtol=2e-6)
