"""Centre-line losses: by hand, against published numbers, repair of breaks, memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from seglosses.losses import (
    CenterlineBoundaryDiceLoss,
    CenterlineCrossEntropyLoss,
    DiceLoss,
    SkeletonRecallLoss,
    SoftClDiceLoss,
    centerline_boundary_dice_loss,
    centerline_cross_entropy_loss,
    soft_cldice_loss,
)
from seglosses.losses.line.centerline_boundary import radius_weights
from seglosses.primitives import device
from seglosses.primitives.host import host_function, host_maps
from seglosses.primitives.soft_skeleton import soft_skeleton
from seglosses.primitives.soft_thinning import soft_thinning
from tests.losses.topology.topology_cases import break_island24, case


def radii(mask: torch.Tensor, skeleton: torch.Tensor, boundary: bool) -> torch.Tensor:
    weights = host_function(radius_weights)
    return host_maps(
        weights, mask, skeleton, dtype=torch.float32, extra=(3,), options=dict(boundary=boundary)
    )


# jocpae/clDice's soft_cldice on the foreground channel, 10 iterations, smooth 1, one image
@pytest.mark.parametrize(
    ("name", "published"),
    [("empty_target16", 0.9135741592), ("perfect32", 0.0), ("break_island24", 0.1006384492)],
)
def test_published_cldice(name: str, published: float) -> None:
    logits, label = case(name)
    assert SoftClDiceLoss()(logits, label).item() == pytest.approx(published, abs=1e-6)


# topolosses 0.2.0, CLDiceLoss with alpha 1: 3 iterations, smooth 1e-5
@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("bricks32", 0.0461047590),
        ("empty_target16", 0.9999990463),
        ("perfect32", 0.0),
        ("break_island24", 0.1048607230),
    ],
)
def test_published_cldice_of_topolosses(name: str, published: float) -> None:
    logits, label = case(name)
    loss = SoftClDiceLoss(3, smooth=1e-5)(logits, label)
    assert loss.item() == pytest.approx(published, abs=2e-6)


def test_published_mix_of_dice_and_cldice() -> None:
    # jocpae/clDice's soft_dice_cldice, one half of each
    for name, published in (("break_island24", 0.0749130547), ("empty_target16", 0.9433914423)):
        logits, label = case(name)
        parts = [DiceLoss(smooth=1.0, classes="foreground"), SoftClDiceLoss()]
        value = sum(part(logits, label).item() for part in parts) / 2
        assert value == pytest.approx(published, abs=1e-6)


def test_cldice_is_a_mean_of_images_where_the_published_one_pools_the_batch() -> None:
    logits, label = case("bricks32")
    each = [SoftClDiceLoss()(logits[i : i + 1], label[i : i + 1]) for i in range(2)]
    loss = SoftClDiceLoss()(logits, label)
    torch.testing.assert_close(loss, sum(each) / 2)
    pooled = SoftClDiceLoss(compat="topomortar")(logits, label)
    assert pooled.item() == pytest.approx(0.0479440689, abs=1e-6)


# TopoMortar's clDice is half Dice (negative, with background) and half clDice of the foreground
@pytest.mark.parametrize(
    ("name", "total", "dice"),
    [
        ("bricks32", -0.4392024875, -0.9262191057),
        ("empty_target16", 0.2254606634, -0.4618169367),
        ("perfect32", -0.5, -1.0),
        ("break_island24", -0.4355143011, -0.9716670513),
    ],
)
def test_published_rows_of_topomortar_can_be_rerun(name: str, total: float, dice: float) -> None:
    logits, label = case(name)
    loss = SoftClDiceLoss(3, compat="topomortar")(logits, label)
    assert 0.5 * dice + 0.5 * loss.item() == pytest.approx(total, abs=1e-6)


def test_cldice_by_hand() -> None:
    """A line of 9 with 2 pixels missing, and a spur of 1: P = 7 / 8, R = 7 / 9."""
    line = torch.zeros(1, 1, 5, 9)
    line[..., 2, :] = 1
    seen = line.clone()
    seen[..., 2, 4:6] = 0
    seen[..., 0, 0] = 1
    expected = 1 - 2 * (7 / 8) * (7 / 9) / (7 / 8 + 7 / 9)
    assert soft_cldice_loss(seen, line, smooth=0).item() == pytest.approx(expected)
    smooth = 1 - 2 * (8 / 9) * (8 / 10) / (8 / 9 + 8 / 10)
    assert soft_cldice_loss(seen, line, smooth=1).item() == pytest.approx(smooth)


def test_cldice_of_nothing_in_common_is_one_and_of_nothing_at_all_zero() -> None:
    a, b = torch.zeros(2, 1, 4, 6), torch.zeros(2, 1, 4, 6)
    a[0, 0, 0], b[0, 0, 2] = 1, 1
    assert soft_cldice_loss(a, b, smooth=0).tolist() == [[1.0], [0.0]]


def test_cldice_weights_pixels() -> None:
    line = torch.zeros(1, 1, 3, 4)
    line[..., 1, :] = 1
    seen = line.clone()
    seen[..., 1, 3] = 0
    weight = torch.ones_like(line)
    weight[..., 3] = 3
    # sensitivity 3 of 3 + 3
    expected = 1 - 2 * (3 / 6) / (1 + 3 / 6)
    assert soft_cldice_loss(seen, line, smooth=0, weight=weight).item() == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(5, 6), (3, 4, 4)])
def test_cldice_gradcheck(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    size = torch.Size(shape).numel()
    prob = torch.stack([torch.randperm(size, generator=generator) for _ in range(2)]).double() + 1
    prob = (prob / (size + 2)).view(1, 2, *shape).requires_grad_()
    target = torch.rand(1, 2, *shape, generator=generator, dtype=torch.float64)
    for truth in (target, (target > 0.5).double()):
        assert gradcheck(lambda p, t=truth: soft_cldice_loss(p, t, iterations=2), prob)


def kept_bytes(loss: torch.nn.Module, logits: Tensor, target: Tensor) -> int:
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = loss(logits, target)
    assert result.requires_grad
    return sum(kept.values())


@pytest.mark.parametrize("iterations", [1, 40])
@pytest.mark.parametrize(("channels", "soft"), [(1, False), (1, True), (2, True), (6, True)])
def test_cldice_keeps_at_most_three_times_the_logits(
    channels: int, soft: bool, iterations: int
) -> None:
    logits = torch.randn(2, channels, 32, 32, requires_grad=True)
    label = torch.randint(0, max(channels, 2), (2, 32, 32))
    target = torch.rand(2, channels, 32, 32).div(channels) if soft else label
    loss = SoftClDiceLoss(iterations, use_sigmoid=channels == 1)
    kept = kept_bytes(loss, logits, target) / (logits.numel() * logits.element_size())
    # elsewhere to ask whether any pixel is ignored is a wait, so that a mask is kept as well, which
    # is as large as the logits of one channel
    assert kept <= (3.02 if channels > 1 or device.HOSTS else 4.3)


@pytest.mark.parametrize("skeleton", ["soft", "thinned"])
@pytest.mark.parametrize("cls", [SoftClDiceLoss, CenterlineCrossEntropyLoss])
def test_repairs_a_break_and_removes_an_island(cls: type[SoftClDiceLoss], skeleton: str) -> None:
    logits, label = break_island24()
    logits = (logits / 4).requires_grad_()
    optimiser = torch.optim.Adam([logits], 0.4)
    for _ in range(25):
        optimiser.zero_grad()
        cls(3, skeleton=skeleton)(logits, label).backward()
        optimiser.step()
    seen = logits.argmax(1)[0]
    assert seen[11, 11] == 1
    # thinning keeps an island of two by two alive: its decisions pull both ways there
    assert seen[3:5, 3:5].sum() == 0 or skeleton == "thinned"


def test_recall_raises_a_break_and_cbdice_lowers_an_island() -> None:
    logits, label = break_island24()
    logits.requires_grad_()
    slopes = [
        torch.autograd.grad(loss(logits, label), logits)[0][0, 1]
        for loss in (SkeletonRecallLoss(), CenterlineBoundaryDiceLoss())
    ]
    assert (slopes[0][10:13, 11] < 0).all()
    assert slopes[0][3:5, 3:5].abs().sum() == 0
    assert slopes[1][3:5, 3:5].sum() > 0


# PengchengShi1220/cbDice with morphological skeletons (10 iterations); published is ours minus 1
@pytest.mark.parametrize(
    ("name", "published", "gradient"),
    [
        ("empty_target16", -0.4216696620, 0.3891689181),
        ("perfect32", -1.0, 0.0),
        ("break_island24", -0.8860446811, 0.0001644123),
    ],
)
def test_published_centerline_boundary_dice(name: str, published: float, gradient: float) -> None:
    logits, label = case(name)
    prob = logits.requires_grad_().softmax(1)[:, 1:]
    weights = [
        radii(mask, soft_skeleton(mask, 10), True) for mask in (prob > 0.5, label.unsqueeze(1) == 1)
    ]
    loss = centerline_boundary_dice_loss(prob, *weights)
    assert loss.item() - 1 == pytest.approx(published, abs=1e-6)
    loss.sum().backward()
    assert logits.grad.abs().sum().item() == pytest.approx(gradient, abs=1e-6)


# the same, with the skeletons of Menten et al., five layers deep
@pytest.mark.parametrize(
    ("boundary", "name", "published", "gradient"),
    [
        (True, "bricks32", -1.0, 0.0),
        (True, "empty_target16", -0.4216696620, 0.3891689181),
        (True, "perfect32", -1.0, 0.0),
        (True, "break_island24", -0.9322859645, 0.0000812507),
        (False, "bricks32", -1.0, 0.0),
        (False, "empty_target16", -0.4216696620, 0.3891689181),
        (False, "perfect32", -1.0, 0.0),
        (False, "break_island24", -0.9405767322, 0.0000660317),
    ],
)
def test_published_dice_of_thinned_skeletons(
    boundary: bool, name: str, published: float, gradient: float
) -> None:
    logits, label = case(name)
    prob = logits.requires_grad_().softmax(1)[:, 1:]
    weights = [
        radii(mask, soft_thinning(mask, 5), boundary)
        for mask in (prob > 0.5, label.unsqueeze(1) == 1)
    ]
    loss = centerline_boundary_dice_loss(prob, *weights, pooled=True)
    assert loss[0, 0].item() - 1 == pytest.approx(published, abs=1e-6)
    loss[0, 0].backward()
    assert logits.grad.abs().sum().item() == pytest.approx(gradient, abs=1e-7)


def test_cbdice_counts_thin_and_thick_alike_where_clmdice_favours_thick() -> None:
    label = torch.zeros(1, 24, 40, dtype=torch.long)
    label[:, 3], label[:, 12:19] = 1, 1  # radii 1 and 4: I V is 1 * 1/4 and 1/4 * 1

    def missed(rows: slice, *, boundary: bool) -> float:
        seen = label.clone()
        seen[:, rows] = 0
        logits = torch.stack([1 - seen, seen], 1) * 40.0 - 20
        return CenterlineBoundaryDiceLoss(boundary=boundary)(logits, label).item()

    thin, thick = slice(3, 4), slice(12, 19)
    even = missed(thin, boundary=True) / missed(thick, boundary=True)
    uneven = missed(thin, boundary=False) / missed(thick, boundary=False)
    assert even > 0.8
    assert uneven < 0.5


def test_cbdice_of_full_and_empty_masks() -> None:
    full, empty = torch.ones(1, 6, 6, dtype=torch.long), torch.zeros(1, 6, 6, dtype=torch.long)
    sure = torch.tensor([-20.0, 20.0]).view(1, 2, 1, 1).expand(1, 2, 6, 6)
    loss = CenterlineBoundaryDiceLoss()
    assert loss(sure, full) == loss(-sure, empty) == 0
    assert loss(sure, empty) > 0
    assert loss(-sure, full) > 0


def test_thinned_skeletons_repair_volumes() -> None:
    with pytest.raises(ValueError, match="skeleton must be"):
        SoftClDiceLoss(skeleton="hard")
    label = torch.zeros(1, 5, 5, 9, dtype=torch.long)
    label[:, 2, 2] = 1
    seen = label.clone()
    seen[:, 2, 2, 4] = 0
    logits = torch.stack([1 - seen, seen], 1).float().requires_grad_()
    optimiser = torch.optim.Adam([logits], 0.2)
    for _ in range(10):
        optimiser.zero_grad()
        SoftClDiceLoss(1, skeleton="thinned")(logits, label).backward()
        optimiser.step()
    assert logits.argmax(1)[0, 2, 2, 4] == 1


@pytest.mark.parametrize("seed", [0, 2])  # what is left out shapes its neighbours in the second
def test_skeletons_do_not_see_pixels_of_weight_zero(seed: int) -> None:
    margin = torch.randn(1, 1, 9, 9, generator=torch.Generator().manual_seed(seed))
    target, weight = (margin > 0.5).float(), torch.ones(1, 1, 9, 9)
    weight[..., 4, 3:6] = 0
    other = torch.where(weight > 0, margin, 9.0)
    values = [centerline_cross_entropy_loss(z, target, weight=weight) for z in (margin, other)]
    assert torch.equal(*values)
