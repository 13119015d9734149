"""Leaves and mix-ins of detection: they compose, build, and give a loss on made-up images."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from torch import Tensor, nn

pytest.importorskip("mmdet")
pytest.importorskip("mmcv.ops")

from mmdet.structures import DetDataSample
from mmdet.utils import register_all_modules
from mmengine.registry import MODELS as ROOT
from mmengine.registry import init_default_scope

from seglosses.hosts.openmmlab.runs import compose
from seglosses.losses.base import BoxLoss

pytestmark = pytest.mark.filterwarnings("ignore")
CONFIGS = Path(__file__).parents[3] / "configs"
DETECTORS = ("retinanet", "fcos", "faster_rcnn", "detr")
BOX = sorted(path.stem for path in (CONFIGS / "losses").glob("box_*.py"))
ROI = sorted(path.stem for path in (CONFIGS / "losses").glob("roi_cls_*.py"))
CLS = sorted(path.stem for path in (CONFIGS / "losses").glob("cls_*.py"))


def build(cfg: Config) -> nn.Module:
    register_all_modules(init_default_scope=False)
    init_default_scope("mmdet")
    torch.manual_seed(0)
    model = ROOT.build(cfg.model)
    model.init_weights()
    return model.train()


def losses_of(model: nn.Module, labels: tuple[int, ...]) -> dict[str, Tensor]:
    """What the detector's own ``loss`` gives for two images of 64 x 64, both with objects."""
    boxes = torch.tensor([[4.0, 6, 40, 30], [20, 34, 60, 58]])
    samples = []
    for _ in range(2):
        sample = DetDataSample(metainfo=dict(img_shape=(64, 64), ori_shape=(64, 64)))
        sample.gt_instances = InstanceData(bboxes=boxes.clone(), labels=torch.tensor(labels))
        samples.append(sample)
    images = [torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8) for _ in samples]
    data = model.data_preprocessor(dict(inputs=images, data_samples=samples), training=True)
    total, parts = model.parse_losses(model(**data, mode="loss"))
    total.backward()
    return parts


def box_losses(model: nn.Module) -> list[nn.Module]:
    return [m for m in model.modules() if isinstance(m, BoxLoss)]


def check(model: nn.Module, labels: tuple[int, ...]) -> None:
    parts = losses_of(model, labels)
    assert all(value.isfinite().all() for value in parts.values()), parts
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(g.isfinite().all() for g in gradients)
    boxes = [p.grad for name, p in model.named_parameters() if "reg" in name]
    assert any(g is not None and g.abs().max() > 0 for g in boxes)


@pytest.mark.parametrize("leaf", DETECTORS)
def test_coco_leaves_are_for_coco(leaf: str) -> None:
    cfg = compose(CONFIGS / "detection" / f"{leaf}_coco.py", loss="box_siou", data="elsewhere")
    head = cfg.model.bbox_head if "bbox_head" in cfg.model else cfg.model.roi_head.bbox_head
    assert head.num_classes == 80
    assert head["loss_iou" if leaf == "detr" else "loss_bbox"].type == "seglosses.SIoULoss"
    train, val = cfg.train_dataloader.dataset, cfg.val_dataloader.dataset
    assert (train.ann_file, train.data_prefix.img) == (
        "annotations/instances_train2017.json",
        "train2017/",
    )
    assert (train.data_root, val.data_root, cfg.test_dataloader.dataset.data_root) == (
        *("elsewhere",) * 3,
    )
    file = str(Path("elsewhere/annotations/instances_val2017.json"))
    assert cfg.val_evaluator[0].ann_file == cfg.test_evaluator[0].ann_file == file


@pytest.mark.slow
@pytest.mark.parametrize("leaf", DETECTORS)
def test_coco_leaves_build_and_give_a_loss(leaf: str) -> None:
    model = build(compose(CONFIGS / "detection" / f"{leaf}_coco.py"))
    assert len(box_losses(model)) == (2 if leaf == "faster_rcnn" else 1)
    check(model, (3, 79))


@pytest.mark.parametrize("mixin", BOX)
@pytest.mark.parametrize(
    "leaf",
    ["retinanet", *(pytest.param(d, marks=pytest.mark.slow) for d in DETECTORS[1:])],
)
def test_every_box_mixin_gives_a_loss(leaf: str, mixin: str) -> None:
    cfg = compose(CONFIGS / "detection" / f"{leaf}_bricks.py", loss=mixin)
    model = build(cfg)
    name = cfg.loss_bbox.type.removeprefix("seglosses.")
    assert name in {type(m).__name__ for m in box_losses(model)}
    check(model, (0, 0))


@pytest.mark.parametrize("mixin", CLS)
@pytest.mark.parametrize("leaf", ["retinanet", "fcos"])
def test_every_class_mixin_gives_a_loss(leaf: str, mixin: str) -> None:
    cfg = compose(CONFIGS / "detection" / f"{leaf}_bricks.py", loss=mixin)
    model = build(cfg)
    assert type(model.bbox_head.loss_cls).__module__.startswith("seglosses.losses")
    check(model, (0, 0))
    scores = [p.grad for name, p in model.named_parameters() if "cls" in name]
    assert any(g is not None and g.abs().max() > 0 for g in scores)


@pytest.mark.slow
@pytest.mark.parametrize("mixin", [*CLS, "box_piou", "box_piou_v2"])
def test_mixins_of_dense_heads_train(mixin: str) -> None:
    model = build(compose(CONFIGS / "detection" / "retinanet_bricks.py", loss=mixin))
    optimizer = torch.optim.SGD(model.bbox_head.parameters(), lr=0.01, momentum=0.9)
    kind = "loss_cls" if mixin in CLS else "loss_bbox"
    values = []
    for _ in range(10):
        optimizer.zero_grad()
        parts = losses_of(model, (0, 0))
        assert all(value.isfinite().all() for value in parts.values())
        values.append(parts[kind].item())
        optimizer.step()
    assert sum(values[5:]) < sum(values[:5])


@pytest.mark.parametrize("mixin", ROI)
def test_every_mixin_of_roi_heads_trains_and_scores(mixin: str) -> None:
    cfg = compose(CONFIGS / "detection" / "faster_rcnn_bricks.py", loss=mixin)
    model = build(cfg)
    head = model.roi_head.bbox_head
    assert type(head.loss_cls).__module__.startswith("seglosses.losses")
    assert head.fc_cls.out_features == head.num_classes + head.loss_cls.extra_channels
    optimizer = torch.optim.SGD(head.parameters(), lr=0.02)
    values = []
    for _ in range(10):
        optimizer.zero_grad()
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*scores every class by itself")
            parts = losses_of(model, (0, 0))
        assert {"loss_cls", "acc_objectness", "acc_classes"} <= set(parts)
        assert all(value.isfinite().all() for value in parts.values())
        assert head.fc_cls.weight.grad.abs().sum() > 0
        values.append(parts["loss_cls"].item())
        optimizer.step()
    assert sum(values[5:]) < sum(values[:5])
    # the scores of the classes and of background, from which boxes are kept
    scores = head.loss_cls.get_activation(torch.randn(4, head.fc_cls.out_features))
    assert scores.shape == (4, head.num_classes + 1)


def test_detr_keeps_its_l1() -> None:
    cfg = compose(CONFIGS / "detection" / "detr_bricks.py", loss="box_diou")
    assert cfg.model.bbox_head.loss_bbox.type == "L1Loss"
    assert cfg.model.bbox_head.loss_iou.type == "seglosses.DIoULoss"


def test_an_iou_loss_makes_heads_decode(tmp_path: Path) -> None:
    l1 = tmp_path / "l1.py"
    l1.write_text("loss_bbox = dict(type='L1Loss')\n")
    giou = CONFIGS / "losses" / "box_giou.py"
    for leaf, place in (("retinanet", "bbox_head"), ("faster_rcnn", "roi_head.bbox_head")):
        encoding = Config.fromfile(str(CONFIGS / "detection" / f"{leaf}_bricks.py"))
        encoding.merge_from_dict({f"model.{place}.reg_decoded_bbox": False})
        encoding.dump(tmp_path / "encoding.py")
        for loss, decoded in ((giou, True), (l1, False)):
            head = compose(tmp_path / "encoding.py", loss=str(loss)).model
            for name in place.split("."):
                head = head[name]
            assert head.reg_decoded_bbox is decoded
    fcos = compose(CONFIGS / "detection" / "fcos_bricks.py", loss="box_giou")
    assert "reg_decoded_bbox" not in fcos.model.bbox_head, "FCOS has no such option"


def test_labels_are_refused_where_there_are_no_kinds() -> None:
    with pytest.raises(ValueError, match="the config has a CocoDataset"):
        compose(CONFIGS / "detection" / "fcos_bricks.py", labels="noisy")
