"""Losses of boundaries, distances, structure and projections against published codes.

LIVIAETS/boundary-loss, MONAI 1.6.1 and SilmarilBearer/HausdorffLoss (distance maps), kornia
(erosions), wangchi95/active-boundary-loss, xuebinqin/BASNet, soumickmj/SPOCKMIP.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from seglosses.losses import (
    ActiveBoundaryLoss,
    CrossEntropyLoss,
    FocalTverskyLoss,
    HausdorffDTLoss,
    HausdorffErosionLoss,
    JaccardLoss,
    KervadecBoundaryLoss,
    MIPLoss,
    SSIMLoss,
)
from seglosses.losses.fields import signed_fields
from tests.goldens.published import inputs, is_near, numbers, values

BLOCK, SQUARE, EDGES = inputs("boundary"), inputs("hausdorff"), inputs("abl")
SALIENT, VESSELS = inputs("basnet"), inputs("spockmip")
MASK = BLOCK["mask"][None].long()


def sure(labels: Tensor) -> Tensor:
    """Certain logits of two classes."""
    return 80.0 * torch.stack([labels == 0, labels == 1], 1) - 40.0


def surface(**options: object) -> Callable[[], Tensor]:
    return lambda: KervadecBoundaryLoss(**options)(BLOCK["logits"], MASK)


def pair(loss: torch.nn.Module) -> Callable[[], Tensor]:
    """Of one foreground."""
    return lambda: loss(SQUARE["prob"].logit(), SQUARE["target"][None].long())


def active(**options: float) -> Tensor:
    return ActiveBoundaryLoss(**options)(EDGES["logits"], EDGES["gt"].long())


def hybrid(loss: torch.nn.Module) -> Callable[[], Tensor]:
    return lambda: loss(SALIENT["prob"].double().logit(), SALIENT["target"][:, 0].long())


def projection(loss: torch.nn.Module) -> Callable[[], Tensor]:
    return lambda: loss(VESSELS["prob"].double().logit()[:, None], VESSELS["target"].long())


PARTS = {"bce": CrossEntropyLoss(), "1-ssim": SSIMLoss(), "iou": JaccardLoss(smooth=1e-3)}
ROWS: dict[str, dict[str, Callable[[], Tensor]]] = {
    "boundary_losses": {
        "surface_loss/idc1": surface(),
        "surface_loss/idc01": surface(classes=[0, 1]),
        "surface_loss/idc1/perfect": lambda: KervadecBoundaryLoss()(sure(MASK), MASK),
        "hausdorff_dt/monai alpha2": pair(HausdorffDTLoss()),
        "hausdorff_dt/silmaril alpha2": pair(HausdorffDTLoss()),
        # the mean of both channels, which cost the same
        "hausdorff_er/kornia (2ch, alpha2,k10)": pair(HausdorffErosionLoss()),
        "abl/{'label_smoothing': 0}": lambda: active(label_smoothing=0.0),
        "abl/{'label_smoothing': 0, 'max_N_ratio': 0.1}": lambda: active(
            label_smoothing=0.0, max_ratio=0.1
        ),
        # the authors' smoothing is not published; in the stand-in the 8 targets sum to 1 - a / 8
        "abl/default options, but label smoothing .2 by OUR stand-in (not official)": lambda: (
            active() - 0.2 / 8 * active(label_smoothing=0.0)
        ),
    },
    "basnet": {
        **{name: hybrid(loss) for name, loss in PARTS.items()},
        "sum": lambda: sum(hybrid(loss)() for loss in PARTS.values()),
    },
    "spockmip": {
        "ftl": projection(FocalTverskyLoss(alpha=0.3, beta=0.7, gamma=0.75, smooth=1.0)),
        "mip_x(amax 1)": projection(MIPLoss(axes=0)),
        "mip_y(amax 2)": projection(MIPLoss(axes=1)),
        "mip_z(amax -1)": projection(MIPLoss(axes=2)),
        "multi_axis_mean": projection(MIPLoss(axes=[0, 1, 2])),
    },
}
NAMES = [(file, name) for file, rows in ROWS.items() for name in rows]


def test_every_number_has_a_row() -> None:
    for file, rows in ROWS.items():
        assert rows.keys() == numbers(file)


@pytest.mark.parametrize(("file", "name"), NAMES)
def test_values(file: str, name: str) -> None:
    # SPOCKMIP and BASNet add an eps to their sums
    is_near(ROWS[file][name](), values(file)[name], atol=1e-5, rtol=1e-5)


def test_signed_distances() -> None:
    masks = torch.stack([MASK == 0, MASK == 1], 1)
    torch.testing.assert_close(signed_fields(masks)[0], BLOCK["dist"])
