"""Every loss on the emulated accelerator: no mixture of devices, the CPU's numbers, no waiting.

``COPIES`` is the table of what losses send to the host and back, in any variant. Who adds a copy
changes it here, and says why it is worth it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seglosses.catalogue import loss_classes
from tests.devices.cases import VARIANTS
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


def test_no_loss_refuses_the_quick_variants(walk: Callable[[str], Walk]) -> None:
    for variant in QUICK.split(","):
        refused = [name for name, r in walk(QUICK).items() if "refused" in r.get(variant, {})]
        assert refused == []
