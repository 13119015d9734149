"""Our losses inside of real, small heads of MMDetection that predict masks."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("mmdet")
pytest.importorskip("mmcv.ops")

from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmdet.utils import register_all_modules
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

pytestmark = pytest.mark.filterwarnings("ignore")
SIZE, WIDTH, CLASSES = 64, 16, 3
ATTENTION = dict(embed_dims=WIDTH, num_heads=2, dropout=0.0, batch_first=True)
FFN = dict(embed_dims=WIDTH, feedforward_channels=16, num_fcs=2, ffn_drop=0.0)
DECODER = dict(
    num_layers=1,
    return_intermediate=True,
    layer_cfg=dict(self_attn_cfg=ATTENTION, cross_attn_cfg=ATTENTION, ffn_cfg=FFN),
)
POSITIONS = dict(num_feats=WIDTH // 2, normalize=True)
NORM = dict(type="GN", num_groups=4)
COSTS = [
    dict(type="ClassificationCost", weight=1.0),
    dict(type="DiceCost", weight=1.0, pred_act=True, eps=1.0),
]


@pytest.fixture(autouse=True)
def _scope() -> None:
    register_all_modules(init_default_scope=True)


def build(config: dict[str, Any]) -> nn.Module:
    torch.manual_seed(1)
    return MODELS.build(ConfigDict(config))


def maskformer(loss_dice: dict[str, Any]) -> nn.Module:
    return build(
        dict(
            type="MaskFormerHead",
            pixel_decoder=dict(type="PixelDecoder", norm_cfg=NORM, act_cfg=dict(type="ReLU")),
            loss_mask=dict(type="FocalLoss", use_sigmoid=True, loss_weight=20.0),
            **shared(loss_dice),
        )
    )


def mask2former(loss_dice: dict[str, Any]) -> nn.Module:
    deformable = dict(embed_dims=WIDTH, num_heads=2, num_levels=3, num_points=2, batch_first=True)
    decoder = dict(
        type="MSDeformAttnPixelDecoder",
        num_outs=3,
        norm_cfg=NORM,
        act_cfg=dict(type="ReLU"),
        encoder=dict(num_layers=1, layer_cfg=dict(self_attn_cfg=deformable, ffn_cfg=FFN)),
        positional_encoding=POSITIONS,
    )
    return build(
        dict(
            type="Mask2FormerHead",
            strides=[4, 8, 16, 32],
            num_transformer_feat_level=3,
            pixel_decoder=decoder,
            loss_mask=dict(type="CrossEntropyLoss", use_sigmoid=True, loss_weight=5.0),
            train_points=256,
            **shared(loss_dice),
        )
    )


def shared(loss_dice: dict[str, Any]) -> dict[str, Any]:
    train = dict(
        num_points=256,
        oversample_ratio=3.0,
        importance_sample_ratio=0.75,
        assigner=dict(type="HungarianAssigner", match_costs=COSTS),
        sampler=dict(type="MaskPseudoSampler"),
    )
    return dict(
        in_channels=[8] * 4,
        feat_channels=WIDTH,
        out_channels=WIDTH,
        num_things_classes=CLASSES,
        num_stuff_classes=0,
        num_queries=8,
        enforce_decoder_input_project=False,
        positional_encoding=POSITIONS,
        transformer_decoder=DECODER,
        loss_cls=dict(
            type="CrossEntropyLoss", use_sigmoid=False, class_weight=[1.0] * CLASSES + [0.1]
        ),
        loss_dice=loss_dice,
        train_cfg=ConfigDict(train),
        test_cfg=ConfigDict(),
    )


def features() -> list[Tensor]:
    return [torch.randn(2, 8, SIZE // s, SIZE // s) for s in (4, 8, 16, 32)]


def samples() -> list[DetDataSample]:
    masks = torch.zeros(2, SIZE, SIZE, dtype=torch.long)
    masks[0, 4:30, 6:40] = 1
    masks[1, 34:60, 10:50] = 1
    found = []
    for _ in range(2):
        shape = dict(img_shape=(SIZE, SIZE), batch_input_shape=(SIZE, SIZE), pad_shape=(SIZE, SIZE))
        sample = DetDataSample(metainfo=shape)
        sample.gt_instances = InstanceData(
            labels=torch.tensor([2, 0]),
            masks=BitmapMasks(masks.numpy().astype("uint8"), SIZE, SIZE),
        )
        found.append(sample)
    return found


def dice_of(head: nn.Module) -> dict[str, Tensor]:
    torch.manual_seed(2)
    losses = head.loss(features(), samples())
    sum(losses.values()).backward()
    return {name: value for name, value in losses.items() if "dice" in name}


@pytest.mark.parametrize("make", [maskformer, mask2former])
@pytest.mark.parametrize("loss", ["DiceLoss", "TverskyLoss", "JaccardLoss"])
def test_region_losses_work_where_mmdets_dice_does(make: Any, loss: str) -> None:
    head = make(dict(type=f"seglosses.{loss}", use_sigmoid=True, loss_weight=5.0))
    values = dice_of(head)
    assert "loss_dice" in values
    assert all(0 < value < 5 for value in values.values())
    slopes = [p.grad for n, p in head.named_parameters() if "mask_embed" in n]
    assert all(g is not None and g.isfinite().all() and g.abs().max() > 0 for g in slopes)


@pytest.mark.parametrize("make", [maskformer, mask2former])
def test_our_dice_is_mmdets(make: Any) -> None:
    # points between pixels have soft targets, of which MMDetection takes the product
    ours = make(dict(type="seglosses.DiceLoss", use_sigmoid=True, intersection="product"))
    plain = dict(type="DiceLoss", use_sigmoid=True, activate=True, naive_dice=True, eps=1.0)
    theirs = make(plain)
    theirs.load_state_dict(ours.state_dict())
    first, second = dice_of(ours), dice_of(theirs)
    for name, value in first.items():
        # of mmdet's avg_factor, which is (1,), its own are (1,) too
        torch.testing.assert_close(value, second[name].squeeze())


@pytest.mark.parametrize("loss", ["KervadecBoundaryLoss", "SoftClDiceLoss", "BettiMatchingLoss"])
def test_maskformer_has_maps_for_losses_of_shape(loss: str) -> None:
    (value,) = dice_of(maskformer(dict(type=f"seglosses.{loss}", use_sigmoid=True))).values()
    assert value.isfinite()


@pytest.mark.parametrize("loss", ["KervadecBoundaryLoss", "SoftClDiceLoss", "BettiMatchingLoss"])
def test_mask2former_has_points_only(loss: str) -> None:
    head = mask2former(dict(type=f"seglosses.{loss}", use_sigmoid=True))
    with pytest.raises(ValueError, match="sampled points have no shape"):
        head.loss(features(), samples())


@pytest.mark.parametrize("loss", ["DiceLoss", "CrossEntropyLoss", "SoftClDiceLoss"])
def test_fcn_mask_head_from_samples_to_loss(loss: str) -> None:
    head = MODELS.build(
        dict(
            type="FCNMaskHead",
            num_convs=1,
            in_channels=4,
            conv_out_channels=4,
            num_classes=CLASSES,
            loss_mask=dict(type="seglosses.ForMaskHead", loss=dict(type=f"seglosses.{loss}")),
        )
    )
    truth = samples()[0].gt_instances
    truth.bboxes = torch.tensor([[0.0, 0, 50, 40], [2, 24, 60, 64]])
    assigned = type("Assigned", (), {})()
    assigned.gt_inds, assigned.labels = torch.tensor([1, 2]), truth.labels
    sampled = SamplingResult(
        pos_inds=torch.tensor([0, 1]),
        neg_inds=torch.tensor([], dtype=torch.long),
        priors=truth.bboxes,
        gt_bboxes=truth.bboxes,
        assign_result=assigned,
        gt_flags=torch.zeros(2, dtype=torch.uint8),
    )
    pred = head(torch.randn(2, 4, 14, 14))
    value = head.loss_and_target(pred, [sampled], [truth], ConfigDict(mask_size=28))
    loss_mask = value["loss_mask"]["loss_mask"]
    loss_mask.backward()
    assert 0 < loss_mask < 5
    slopes = head.conv_logits.weight.grad.abs().amax((1, 2, 3))
    assert (slopes > 0).tolist() == [True, False, True], "only the labelled classes"
