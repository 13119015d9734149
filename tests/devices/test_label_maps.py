"""Maps of a data loader on the emulated accelerator: taken, compared, and not waited for."""

from __future__ import annotations

import json
from collections.abc import Callable

PROGRAM = """
import json, os, torch
from tests.devices.emulated import ledger, on_paper
from seglosses.catalogue import loss_classes
from seglosses.losses.label_maps import collated, known_label_maps, label_maps
from seglosses.primitives.attention import FIRST_CALLS
from tests.devices.cases import labels

NAMES = [name for name, cls in loss_classes().items() if getattr(cls, "has_label_half", False)]
logits, target = torch.randn(2, 4, 24, 20), labels(2, (24, 20))
found = {}
for name in NAMES:
    loss = loss_classes()[name]()
    expected = loss(logits, target)
    maps = collated([label_maps([loss], image, num_classes=4) for image in target])
    there = on_paper(logits), on_paper(target)
    with known_label_maps(maps):
        for _ in range(FIRST_CALLS + 1):
            with ledger() as counted:
                value = loss(*there)
        waits = counted.count("wait", "up, waiting")
        near = torch.allclose(value.numbers, expected, rtol=1e-5)
        try:
            loss(there[0], on_paper(target.flip(1)))
            asserted = False
        except RuntimeError as error:
            asserted = "of another label" in str(error)
    found[name] = [near, waits, counted.count("down"), asserted]
print(json.dumps(found), flush=True)
os._exit(0)
"""


def test_maps_of_a_loader_are_compared_on_the_device(printed: Callable[[str], str]) -> None:
    found = json.loads(printed(PROGRAM))
    # of images it has no map; both that have one of the prediction, too, send this down
    assert found.pop("BettiMatchingLoss") == [True, 0, 1, False]
    of_both = {"CenterlineBoundaryDiceLoss", "HausdorffDTLoss", "LogHausdorffDTLoss"}
    for name, seen in found.items():
        assert seen == [True, 0, int(name in of_both), True], name
    assert len(found) == 9
