"""Every loss on the emulated accelerator: no mixture of devices, the CPU's numbers, no waiting.

``COPIES`` is the table of what losses send to the host and back, in any variant. Who adds a copy
changes it here, and says why it is worth it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from seglosses.catalogue import loss_classes
from seglosses.losses.loss import Loss
from tests.devices.cases import VARIANTS, case
from tests.devices.conftest import Walk

QUICK = "plain,weighted"
REST = ",".join(v for v in VARIANTS if v not in QUICK.split(","))

#: Copies down and up of a call and its backward pass; none of the others makes any.
COPIES = dict.fromkeys(
    (
        "ActiveBoundaryLoss",
        "BlobLoss",
        "BettiMatchingLoss",
        "CavityLoss",
        "CenterlineBoundaryDiceLoss",
        "ComponentBalancedCrossEntropyLoss",
        "ComponentBalancedDiceLoss",
        "HausdorffDTLoss",
        "InstanceBoundaryCrossEntropyLoss",
        "KervadecBoundaryLoss",
        "LogHausdorffDTLoss",
        "MalisLoss",
        "MorseLoss",
        "RegionWiseLoss",
        "SkeletonAwareLoss",
        "SkeletonRecallLoss",
        "SkeletonToleranceLoss",
        "SupervoxelLoss",
        "TopoLoss",
        "TopographLoss",
        "TopologicalPriorLoss",
        "TotalPersistenceLoss",
        "TreeEnergyLoss",
        "WarpingLoss",
    ),
    (1, 1),
)

#: How often the host waits: how many objects there are decides the size of what is sorted.
WAITS = {"ALRPLoss": 1, "RankSortLoss": 1}


def check(results: Walk, name: str) -> None:
    for variant, result in results[name].items():
        assert "error" not in result, f"{variant}: {result['error']}"
        if "refused" in result:
            continue
        assert result["value"] < 1e-5, f"{variant}: the value differs by {result['value']}"
        for tensor, apart in result["gradients"].items():
            assert apart < 1e-4, f"{variant}: the gradient of {tensor} differs by {apart}"
        later = result["later"]
        waits = WAITS.get(name, 0)
        assert later["waiting"] <= waits, f"{variant}: the host waits, {later['events']}"
        copies = later["down"], later["up"]
        # an empty batch has nothing to send
        assert copies in ((0, 0), COPIES.get(name, (0, 0))), f"{variant}: {later['events']}"
        if variant == "plain":
            assert copies == COPIES.get(name, (0, 0))


@pytest.mark.parametrize("name", loss_classes())
def test_no_loss_waits_or_mixes_devices(name: str, walk: Callable[[str], Walk]) -> None:
    results = walk(QUICK)
    assert "plain" in results[name]
    check(results, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", loss_classes())
def test_no_variant_waits_or_mixes_devices(name: str, walk: Callable[[str], Walk]) -> None:
    check(walk(REST), name)


@pytest.mark.parametrize("name", loss_classes())
def test_no_loss_asks_what_a_narrow_device_lacks(name: str, walk: Callable[..., Walk]) -> None:
    results = walk(QUICK, "narrow")
    assert "plain" in results[name]
    for variant, result in results[name].items():
        assert "error" not in result, f"{variant}: {result['error']}"
        # no float64 there, so that sums may differ from the CPU's
        assert result["value"] < 1e-4, f"{variant}: the value differs by {result['value']}"
        for part in ("first", "later"):
            assert result[part]["missing"] == 0, f"{variant}: {result[part]['events']}"


@pytest.mark.parametrize(("name", "cls"), loss_classes().items())
def test_no_loss_holds_what_a_narrow_device_lacks(name: str, cls: type[Loss]) -> None:
    made = case(cls, "class weights") or case(cls)
    assert made is not None
    # a float64 buffer cannot move there
    assert [n for n, b in made.loss.named_buffers() if b.dtype == torch.float64] == []


def test_other_devices_assert_and_add_up_in_float64(walk: Callable[..., Walk]) -> None:
    # what the test above would not see if the walk noted nothing
    assert walk(QUICK)["DiceLoss"]["plain"]["later"]["missing"] > 1


def test_no_loss_refuses_the_quick_variants(walk: Callable[[str], Walk]) -> None:
    for variant in QUICK.split(","):
        refused = [name for name, r in walk(QUICK).items() if "refused" in r.get(variant, {})]
        assert refused == []
