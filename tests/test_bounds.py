"""Everything that calls a compiled kernel, on images of all proportions.

Kernels read memory without looking at its bounds. Here the results are compared with those of the
transposed image, which a read beyond the end betrays by chance; ``tools/test.sh`` runs this file
and those of the parts above once more with ``NUMBA_BOUNDSCHECK=1``, which betrays it always.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import seglosses
import seglosses.losses as exported
from seglosses import metrics, topology
from seglosses.extra_inputs import extra_inputs
from seglosses.laws.stand_ins import StandIn
from seglosses.losses.base import SegmentationLoss
from seglosses.primitives import distance
from seglosses.primitives.box_pairs import per_pair
from seglosses.primitives.boxes import Comparison
from seglosses.primitives.steps import shares_below, steps_above
from seglosses.primitives.suppression import diou_nms
from seglosses.topology.skeleton import skeletonize, tube
from seglosses.topology.warping import released_critical_pixels

CHECKED = os.environ.get("NUMBA_BOUNDSCHECK") == "1"
PLANES = [(90, 6), (6, 90), (1, 40), (40, 1), (1, 1), (257, 3), (3, 257), (9, 8), (2, 2)]
VOLUMES = [(40, 3, 2), (2, 3, 40), (1, 9, 8), (9, 1, 8), (1, 1, 30), (1, 1, 1), (6, 7, 5)]
KINDS = ("empty", "full", "bars", "noise", "far", "checkers")


def mask_of(shape: tuple[int, ...], kind: str, seed: int = 0) -> NDArray[np.bool_]:
    """A mask in which distances are long, or structures many."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(shape, bool)
    if kind == "full":
        mask[...] = True
    elif kind == "bars":
        axis = int(np.argmax(shape))
        np.moveaxis(mask, axis, 0)[rng.integers(0, shape[axis], 3)] = True
    elif kind == "noise":
        mask = rng.random(shape) > 0.5
    elif kind == "far":
        mask.flat[[0, -1][seed % 2]] = True
    elif kind == "checkers":
        mask = (np.indices(shape).sum(0) + seed) % 2 == 0
    return mask


SHAPES = [*PLANES, *VOLUMES]
SIDES = [
    ("bars", "bars"),
    ("bars", "noise"),
    ("noise", "noise"),
    ("far", "bars"),
    ("far", "far"),
    ("full", "checkers"),
    ("empty", "noise"),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_distances(shape: tuple[int, ...]) -> None:
    for kind in KINDS:
        mask = mask_of(shape, kind)
        labels = mask.astype(np.int64) + 2 * mask_of(shape, "bars", 1)
        for measure, image in (
            (distance.distance_to, mask),
            (distance.two_sided_distance, mask),
            (distance.signed_distance, mask),
            (distance.inner_distances, labels),
        ):
            np.testing.assert_allclose(
                measure(image).T, measure(np.ascontiguousarray(image.T)), rtol=1e-6
            )


COUNTS: dict[str, Callable[[metrics.Pair], float]] = {
    "hd95": metrics.hd95,
    "assd": metrics.assd,
    "boundary_f": lambda pair: metrics.boundary_f(pair, tolerance=2),
    "betti0": lambda pair: metrics.betti_error(pair, 0),
    "betti1": lambda pair: metrics.betti_error(pair, 1),
    "matching0": lambda pair: metrics.betti_matching_error(pair, 0),
    "boundary_iou": lambda pair: metrics.boundary_iou(pair, width=2),
    "pq": lambda pair: metrics.panoptic_quality(pair).pq,
    "windows": lambda pair: sum(metrics.windowed_betti_errors(pair, window=4)),
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_metrics(shape: tuple[int, ...]) -> None:
    for one, two in SIDES:
        pred, target = mask_of(shape, one), mask_of(shape, two, 1)
        pair = metrics.Pair(pred, target)
        turned = metrics.Pair(np.ascontiguousarray(pred.T), np.ascontiguousarray(target.T))
        for name, measure in COUNTS.items():
            expected = pytest.approx(measure(turned), rel=1e-6, nan_ok=True)
            assert measure(pair) == expected, (name, one, two)
        assert 0 <= metrics.cldice(pair) <= 1
        assert min(metrics.structure_errors(pair).spurious_holes.flat) == 0
        metrics.betti_matching_error(pair, 1, tie_breaking="released")
        if len(shape) == 2:
            assert metrics.diu(pair) == metrics.diu(turned)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("connectivity", ["full", "sparse"])
def test_topology(shape: tuple[int, ...], connectivity: str) -> None:
    number = {"full": {2: 8, 3: 26}, "sparse": {2: 4, 3: 6}}[connectivity][len(shape)]
    options = {"construction": "T" if connectivity == "full" else "V"}
    rng = np.random.default_rng(0)
    for kind in KINDS:
        mask = mask_of(shape, kind)
        turned = np.ascontiguousarray(mask.T)
        assert topology.betti_numbers(mask, connectivity=number) == topology.betti_numbers(
            turned, connectivity=number
        )
        assert topology.label_components(mask, connectivity=number)[0].max(initial=0) <= mask.sum()
        soft = np.clip(0.7 * mask + rng.random(shape) * 0.3, 0, 1)
        bars, again = (
            [sorted(map(tuple, values)) for values in topology.persistence(image, **options).values]
            for image in (soft, np.ascontiguousarray(soft.T))
        )
        assert bars == again
        found = topology.betti_matching(soft, mask.astype(float), **options)
        assert len(found.matched) == len(shape)
        if len(shape) == 2:
            other = mask_of(shape, "noise", 1)
            assert released_critical_pixels(mask, other).shape == shape


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_skeletons(shape: tuple[int, ...]) -> None:
    for kind in KINDS:
        mask = mask_of(shape, kind)
        skeleton = skeletonize(mask)
        assert not (skeleton & ~mask).any()
        assert skeleton.any() == mask.any()
        assert not (tube(mask, 1) & ~mask).any()


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 1501])
def test_pairs_of_boxes(count: int, dims: int) -> None:
    def reading(pair: Comparison) -> torch.Tensor:
        return pair.iou + (pair.hull + pair.offset.square() + pair.side.square()).sum(0)

    generator = torch.Generator().manual_seed(count)
    lower = 9 * torch.rand(2, count, dims, generator=generator, dtype=torch.float64)
    upper = lower + 1 + 9 * torch.rand(2, count, dims, generator=generator, dtype=torch.float64)
    pred, target = torch.cat([lower, upper], 2).unbind(0)
    slopes = []
    for measure in (per_pair, lambda read, *boxes: read(Comparison(*boxes))):
        boxes = pred.clone().requires_grad_()
        measure(reading, boxes, target).sum().backward()
        slopes.append(boxes.grad)
    torch.testing.assert_close(*slopes)


@pytest.mark.parametrize("count", [0, 1, 300])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_losses_of_boxes(count: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    lower = 10 * torch.rand(2, count, 2, generator=generator, dtype=dtype)
    upper = lower + 1 + 9 * torch.rand(2, count, 2, generator=generator, dtype=dtype)
    pred, target = torch.cat([lower, upper], 2).unbind(0)
    for loss in (exported.IoULoss(), exported.GIoULoss(), exported.CIoULoss(), exported.SIoULoss()):
        values = []
        for boxes, others in ((pred, target), (pred.flip(0), target.flip(0))):
            leaf = boxes.clone().requires_grad_()
            value = loss(leaf, others, reduction_override="none")
            value.sum().backward()
            values.append((value.detach(), leaf.grad))
        torch.testing.assert_close(values[0], tuple(each.flip(0) for each in values[1]))


@pytest.mark.parametrize("count", [0, 1, 2, 300])
def test_suppression(count: int) -> None:
    rng = np.random.default_rng(0)
    corner = torch.from_numpy(rng.random((count, 2)) * 1000)
    boxes = torch.cat([corner, corner + torch.from_numpy(rng.random((count, 2)) * 100)], 1)
    kept = diou_nms(boxes, torch.from_numpy(rng.random(count)))
    assert len(set(kept.tolist())) == len(kept) <= count


@pytest.mark.parametrize("count", [0, 1, 2, 1501])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64], ids=str)
def test_ranks(count: int, kind: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(count)
    scores = 9 * torch.randn(count, generator=generator).to(kind)
    few, share = torch.arange(count) % 5 == 3, torch.ones(7, dtype=torch.float64)
    for at in (scores[few].double()[:7], torch.linspace(-30, 30, 7).double()):
        for delta in (0.0, 0.5):
            above = steps_above(at, scores, few, delta)
            below = shares_below(at, share[: len(at)], scores, few, delta)
            torch.testing.assert_close(above.sum(), below.double().sum(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("channels", [1, 2, 3, 8])
def test_few_classes(shape: tuple[int, ...], channels: int) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.from_numpy(mask_of(shape, "noise")).long().unsqueeze(0)
    labels.view(-1)[-1] = 255
    for sigmoid in (False, True):
        pred = torch.randn(1, channels, *shape, generator=generator, requires_grad=True)
        for weight in (None, torch.rand(labels.shape, generator=generator)):
            value = exported.CrossEntropyLoss(use_sigmoid=sigmoid)(pred, labels, weight)
            value = value + exported.DiceLoss(use_sigmoid=sigmoid)(pred, labels, weight)
            if not sigmoid and channels > 1:
                with extra_inputs(labelled=torch.ones(1, channels)):
                    value = value + exported.MarginalDiceLoss()(pred, labels, weight)
            value.backward()
        assert torch.isfinite(pred.grad).all()


def losses_of_images() -> list[type[SegmentationLoss]]:
    """All of them: components of labels weigh pixels, and trees join them, in any family."""
    members = [getattr(exported, name) for name in exported.__all__]
    return [
        member
        for member in members
        if isinstance(member, type) and issubclass(member, SegmentationLoss)
    ]


@pytest.mark.parametrize("cls", losses_of_images(), ids=lambda cls: cls.__name__)
def test_losses(cls: type[SegmentationLoss]) -> None:
    generator = torch.Generator().manual_seed(0)
    for shape in SHAPES:
        loss = cls()
        if len(shape) not in getattr(cls, "spatial_dims", (2, 3)):
            continue
        for kind in ("bars", "noise", "far"):
            labels = torch.from_numpy(mask_of(shape, kind)).long().unsqueeze(0)
            pred = torch.randn(1, 2, *shape, generator=generator, requires_grad=True)
            value = (StandIn(loss) if loss.needs else loss)(pred, labels)
            value.sum().backward()
            assert torch.isfinite(value).all(), (shape, kind)
            assert pred.grad is not None
            assert torch.isfinite(pred.grad).all(), (shape, kind)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_blobs_of_several_classes(dtype: torch.dtype) -> None:
    """Two classes go another way."""
    for shape in SHAPES:
        for kind in ("bars", "noise", "far"):
            masks = [torch.from_numpy(mask_of(shape, kind, seed)) for seed in (0, 1)]
            labels = torch.where(masks[1], 2, masks[0].long()).unsqueeze(0)
            pred = torch.zeros(1, 3, *shape, dtype=dtype, requires_grad=True)
            exported.BlobLoss()(pred, labels).sum().backward()
            assert pred.grad is not None
            assert torch.isfinite(pred.grad).all(), (shape, kind)


def test_the_run_with_bounds_checks_names_what_exists() -> None:
    root = Path(__file__).parents[1]
    script = (root / "tools" / "test.sh").read_text(encoding="utf-8")
    named = script.split("NUMBA_BOUNDSCHECK=1", 1)[1].split("exit", 1)[0]
    parts = re.findall(r"tests/[\w/.]+", named)
    assert len(parts) > 4
    assert [part for part in parts if not (root / part).exists()] == []


@pytest.mark.skipif(not CHECKED, reason="for the run with bounds checks of tools/test.sh")
def test_every_kernel_was_tried() -> None:
    """Numba's cache does not tell checked kernels from others: this needs a cache of its own."""
    kernels = {
        f"{module.__name__}.{name}": value
        for found in pkgutil.walk_packages(seglosses.__path__, "seglosses.")
        if "kernels" in found.name
        for module in [importlib.import_module(found.name)]
        for name, value in vars(module).items()
        if hasattr(value, "nopython_signatures") and value.__module__ == module.__name__
    }
    assert len(kernels) > 50
    assert [name for name, kernel in kernels.items() if not kernel.nopython_signatures] == []


@pytest.mark.skipif(not CHECKED, reason="for the run with bounds checks of tools/test.sh")
def test_bounds_are_checked() -> None:
    from seglosses.primitives._kernels_compiled import kernel

    def past_the_end(numbers: NDArray[np.float64]) -> float:
        return numbers[numbers.size]

    past_the_end.__module__ = "__main__"
    with pytest.raises(IndexError):
        kernel(past_the_end)(np.zeros(3))
