"""The further laws of overlap losses hold for ours."""

from __future__ import annotations

import pytest

import seglosses.losses as exported
from seglosses.laws import Subject, examine
from seglosses.laws.overlap import OVERLAP_LAWS
from seglosses.losses.classwise import OverlapLoss

NAMES = [
    name
    for name in exported.__all__
    if isinstance(getattr(exported, name), type)
    and issubclass(getattr(exported, name), OverlapLoss)
    and "Distillation" not in name  # needs a teacher
] + ["LovaszSoftmaxLoss", "LovaszHingeLoss", "UnifiedFocalLoss"]

# (loss, law): why not
EXEMPT = {
    ("LovaszHingeLoss", "absent_class_does_not_matter"): "independent channels: all count",
}


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("name", NAMES)
def test_overlap_laws(name: str, channels: int) -> None:
    loss = getattr(exported, name)()
    subject = Subject(name, "segmentation", loss, channels=channels, overlap=True, side=64)
    findings = [f for f in examine(subject) if f.law in OVERLAP_LAWS]
    assert findings
    assert [f for f in findings if not f.holds and (name, f.law) not in EXEMPT] == []
