"""Losses of attributions in a segmentor, and what they train."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("mmseg")

from mmengine.structures import PixelData

from tests.hosts.openmmlab.extra_networks import batch, extended, network

ATTRIBUTION = ("seglosses.AttributionEnergyLoss", "seglosses.RightReasonsLoss")


@pytest.mark.parametrize("place", ["image", 0, -1])
def test_attributions_train_the_network(place):
    model = extended(losses=ATTRIBUTION, attribute_to=place)
    # a head that looks around, so that a stage behind it has a context
    model.decode_head.conv_seg = torch.nn.Conv2d(2, 3, 3, padding=1)
    images, samples = batch()
    losses = model.loss(images, samples)
    for name in ("attribution_energy", "right_reasons"):
        (slope,) = torch.autograd.grad(
            losses[f"decode.loss_{name}"], model.decode_head.conv_seg.weight, retain_graph=True
        )
        assert slope.abs().sum() > 0
        assert slope.isfinite().all()
    assert not images.requires_grad


def test_a_step_of_the_optimizer_follows_the_attributions():
    torch.manual_seed(0)
    model = extended(losses=ATTRIBUTION[:1], attribute_to="image")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = [each.detach().clone() for each in model.parameters()]
    seen = []
    for _ in range(10):
        loss = model.loss(*batch())["decode.loss_attribution_energy"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    after = list(model.parameters())
    assert any(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
    assert seen[-1] < seen[0]


def test_attributions_in_low_precision():
    model = extended(losses=ATTRIBUTION, attribute_to="image")
    with torch.autocast("cpu", torch.bfloat16):
        losses = model.loss(*batch())
    sum(v for k, v in losses.items() if "loss" in k).backward()
    assert all(each.grad.isfinite().all() for each in model.parameters() if each.grad is not None)
    assert model.backbone.encoder[0][0].convs[0].conv.weight.grad.abs().sum() > 0


def test_attributions_in_evaluation_mode_and_of_a_cascade():
    one = network(losses=ATTRIBUTION)["decode_head"]
    heads = [one, {**one, "type": "SpatialRefinedHead"}]

    from mmseg.models.decode_heads import FCNHead
    from mmseg.registry import MODELS as HEADS

    class SpatialRefinedHead(FCNHead):
        def forward(self, inputs, previous=None):
            return super().forward(inputs) + previous

        def loss(self, inputs, previous, samples, train_cfg):
            return self.loss_by_feat(self.forward(inputs, previous), samples)

    with HEADS.switch_scope_and_registry("mmseg"):
        HEADS.register_module(module=SpatialRefinedHead, force=True)
    try:
        model = extended(
            segmentor="CascadeEncoderDecoder",
            num_stages=2,
            decode_head=heads,
            attribute_to="image",
        ).eval()
    finally:
        HEADS.module_dict.pop("SpatialRefinedHead")
    losses = model.loss(*batch())
    assert {"decode_0.loss_attribution_energy", "decode_1.loss_attribution_energy"} < set(losses)
    losses["decode_1.loss_attribution_energy"].backward()
    assert model.decode_head[1].conv_seg.weight.grad.abs().sum() > 0


def test_attributions_of_the_data_loader_train_nothing():
    model = extended(losses=ATTRIBUTION[:1])
    images, samples = batch()
    with pytest.raises(ValueError, match=r"attribute_to='image'.*docs/extra_inputs"):
        model.loss(images, samples)
    for sample, image in zip(samples, images, strict=True):
        sample.extra_attributions = PixelData(data=image)
    with pytest.raises(ValueError, match="would train nothing"):
        model.loss(images, samples)
