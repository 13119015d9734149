"""Mix-ins that need more than logits and labels, or volumes, train ten iterations."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

pytest.importorskip("mmseg")

from mmengine.config import Config

from seglosses.registry import MODELS
from tests.hosts.openmmlab.test_extra_inputs import batch, extended, network, teacher

FOLDER = Path(__file__).parents[3] / "configs" / "losses"
# what each needs of the segmentor, beside the image
NEEDS = {
    "box_snake": (),
    "box_supervised": (),
    "ce_attribution_energy": ("attribute_to",),
    "ce_branch_consistency": ("second_branch",),
    "ce_centre_contrast": ("feature_index",),
    "ce_info_nce": ("feature_index",),
    "ce_pixel_contrast": ("feature_index",),
    "ce_right_reasons": ("attribute_to",),
    "distill": ("teacher",),
    "distill_boundary": ("teacher",),
    "distill_channel_wise": ("teacher",),
    "distill_dist": ("teacher",),
    "distill_features": ("teacher", "feature_index"),
    "distill_relations": ("teacher",),
    "logit_adjusted_contrast": ("feature_index",),
    "partial_ce_gated_crf": (),
    "partial_ce_tree_energy": (),
}
__all__ = ["teacher"]  # a fixture


def test_every_mixin_is_trained():
    assert {path.stem for path in (FOLDER / "extra").glob("*.py")} == set(NEEDS)
    assert [path.stem for path in (FOLDER / "volumes").glob("*.py")] == ["focal_tversky_mip"]


@pytest.mark.parametrize("name", NEEDS)
def test_extra_mixins_train(name, teacher):
    torch.manual_seed(0)
    options = {}
    if "teacher" in NEEDS[name]:
        options["teacher"] = teacher
    if "feature_index" in NEEDS[name]:
        options["feature_index"] = 1
    if name == "distill_features":
        options["channels"] = 4  # as wide as the teacher
    if "attribute_to" in NEEDS[name]:
        options["attribute_to"] = "image"
    if "second_branch" in NEEDS[name]:
        options |= {"second_branch": True, "auxiliary_head": network()["decode_head"]}
    model = extended(**options)
    wanted = Config.fromfile(FOLDER / "extra" / f"{name}.py").loss_decode
    losses = [MODELS.build(dict(each)) for each in wanted]
    model.decode_head.loss_decode = nn.ModuleList(losses)
    images, samples = batch()
    for loss in losses:
        # not a constant of the network that the other losses train alone
        value = model.loss(images, samples)[f"decode.{loss.loss_name}"]
        slopes = torch.autograd.grad(value, list(model.parameters()), allow_unused=True)
        assert any(slope is not None and slope.any() for slope in slopes), loss.loss_name
    seen = ten_steps(model, lambda: model.loss(images, samples))
    for loss in losses:
        assert f"decode.{loss.loss_name}" in seen[0]
    kept = {f"decode.{loss.loss_name}" for loss in losses}
    totals = [sum(float(v) for key, v in step.items() if key in kept) for step in seen]
    assert all(math.isfinite(total) for total in totals)
    assert totals[-1] < totals[0]


def test_mixins_of_volumes_train():
    torch.manual_seed(0)
    wanted = Config.fromfile(FOLDER / "volumes" / "focal_tversky_mip.py").loss_decode
    losses = [MODELS.build(dict(each)) for each in wanted]
    model = nn.Conv3d(1, 2, 3, padding=1)
    volume = torch.randn(1, 1, 6, 8, 8)
    labels = (volume[:, 0] > 1).long()
    seen = ten_steps(
        model, lambda: {loss.loss_name: loss(model(volume), labels) for loss in losses}
    )
    totals = [sum(map(float, step.values())) for step in seen]
    assert all(math.isfinite(total) for total in totals)
    assert totals[-1] < totals[0]


def ten_steps(model, losses_of):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    seen = []
    for _ in range(10):
        found = losses_of()
        trained = [value for key, value in found.items() if "loss" in key]
        optimizer.zero_grad()
        sum(trained).backward()
        optimizer.step()
        seen.append({key: value.detach() for key, value in found.items() if "loss" in key})
    return seen
