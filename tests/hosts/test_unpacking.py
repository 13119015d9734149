"""What frameworks give in place of tensors is refused in their own words, by losses and Scores."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import types
import warnings
from pathlib import Path

import pytest
import torch

from seglosses.losses import CIoULoss, DiceLoss, GIoULoss, GWDLoss, RotatedIoULoss
from seglosses.metrics import Scores
from tests.hosts.test_recipes import FOLDER, ROOT, RUNNER

LOGITS, LABELS = torch.zeros(2, 2, 8, 8), torch.zeros(2, 8, 8, dtype=torch.long)
BOXES, ROTATED = torch.tensor([[0.0, 0.0, 4.0, 4.0]]), torch.tensor([[2.0, 2.0, 4.0, 4.0, 0.5]])

MAPS = [
    ({"out": LOGITS, "aux": LOGITS}, r"as models of torchvision give: take \w+\['out'\]"),
    ({"logits": LOGITS, "loss": None}, r"models of transformers give: take \w+\['logits'\] and"),
    ({"pixel_values": 0, "labels": 0}, r"as data of transformers give: take \w+\['labels'\]"),
    ([{"sem_seg": LABELS[0]}] * 2, r"list of a dict of 'sem_seg', as detectron2.*for one in \w+\]"),
    ([{"instances": 0}], r"\w+\[0\]\['instances'\]\.gt_boxes\.tensor"),
    ([{"image": 0, "label": 0}], r"as MONAI give: .*from_engine\(\['pred', 'label'\]\)"),
]


@pytest.mark.parametrize(("given", "words"), MAPS)
def test_dictionaries(given, words: str) -> None:
    for call in (
        lambda: DiceLoss()(given, LABELS), lambda: DiceLoss()(LOGITS, given),
        lambda: Scores("dice", 2).update(given, LABELS),
        lambda: Scores("dice", 2).update(LOGITS, given),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            call()


def foreign(module: str, name: str, **attributes: object) -> object:
    """An object of a library that cannot be installed beside the others."""
    made = type(name, (), {"__module__": module})()
    made.__dict__.update(attributes)
    return made


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (foreign("detectron2.structures.boxes", "Boxes", tensor=BOXES), r"Boxes of detectron2: take"
         r" \w+\.tensor"),
        (foreign("detectron2.structures.rotated_boxes", "RotatedBoxes", tensor=ROTATED),
         "angles in radians: columns 4 times pi / 180"),
        (foreign("detectron2.structures.instances", "Instances", gt_boxes=BOXES),
         r"\.gt_boxes\.tensor"),
        (foreign("ultralytics.engine.results", "Results", boxes=BOXES, masks=None),
         r"boxes\.xyxy for boxes"),
        ([{"boxes": BOXES, "labels": 0}], "as targets of torchvision and transformers give"),
        ({"pred_boxes": BOXES}, "center_to_corners_format"),
    ],
)  # fmt: skip
def test_boxes_of_others(given, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CIoULoss()(given, BOXES)
    if not isinstance(given, list):  # several targets of rows are a list
        with pytest.raises(ValueError, match=words):
            CIoULoss()(BOXES, given)


def test_boxes_of_openmmlab() -> None:
    structures = pytest.importorskip("mmdet.structures.bbox")
    with pytest.raises(ValueError, match=r"HorizontalBoxes of mmdet: take pred\.tensor"):
        GIoULoss()(structures.HorizontalBoxes(BOXES), BOXES)
    rotated = pytest.importorskip("mmrotate.structures.bbox")
    with pytest.raises(ValueError, match=r"RotatedBoxes of mmrotate: take pred\.tensor"):
        GWDLoss()(rotated.RotatedBoxes(ROTATED), ROTATED)
    corners = torch.tensor([[0.0, 0.0, 4.0, 0.0, 4.0, 4.0, 0.0, 4.0]])
    with pytest.raises(ValueError, match=r"take target\.convert_to\('rbox'\)\.tensor"):
        GWDLoss()(ROTATED, rotated.QuadriBoxes(corners))


def test_samples_of_mmsegmentation() -> None:
    sample = pytest.importorskip("mmseg.structures").SegDataSample()
    sample.gt_sem_seg = pytest.importorskip("mmengine.structures").PixelData(data=LABELS[:1])
    with pytest.raises(ValueError, match=r"target\[0\]\.gt_sem_seg\.data"):
        Scores("dice", 2).update(LOGITS, [sample, sample])


@pytest.mark.parametrize(
    ("pred", "words"),
    [
        (torch.zeros(3, 8), r"qbox2rbox of MMRotate"),
        (torch.zeros(3, 4), r"losses of straight boxes, or get an angle by hbox2rbox of MMRotate"),
        (torch.zeros(3, 6), "reg_decoded_bbox"),
    ],
)
def test_rotated_boxes_of_other_widths(pred: torch.Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        RotatedIoULoss()(pred, pred)


@pytest.mark.parametrize(("loss", "width"), [(CIoULoss, 4), (GWDLoss, 5)])
def test_boxes_that_nobody_matched(loss: type, width: int) -> None:
    with pytest.raises(ValueError, match=r"match them first and give the pairs, one target for ea"):
        loss()(torch.zeros(3, width), torch.zeros(2, width))


@pytest.mark.parametrize("loss", [GWDLoss, RotatedIoULoss])
def test_angles_in_degrees_are_heard_once(loss: type) -> None:
    criterion, turned = loss(), ROTATED.clone()
    turned[:, 4] = 90.0
    with pytest.warns(UserWarning, match="angles in radians, and got targets of up to 90, as deg"):
        criterion(ROTATED, turned)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        criterion(ROTATED, turned)
        turned[:, 4] = -math.pi  # as far as any convention goes
        loss()(ROTATED, turned)


def test_deltas_of_rotated_boxes_are_heard() -> None:
    deltas = torch.tensor([[0.1, -0.2, -0.3, 0.2, 0.1]])
    with pytest.warns(UserWarning, match="sides below zero, as box deltas have"):
        GWDLoss()(ROTATED, deltas)


def test_boxes_that_say_they_are_no_corners() -> None:
    class Boxes(torch.Tensor):
        format = types.SimpleNamespace(name="XYWH")

    given = BOXES.as_subclass(Boxes)
    with pytest.raises(ValueError, match=r"format XYWH, and XYXY is compared: .*new_format='XYXY'"):
        GIoULoss()(BOXES, given)
    Boxes.format = types.SimpleNamespace(name="XYXY")
    assert GIoULoss()(BOXES, given).item() == 0


def test_logits_of_a_quarter_of_the_size() -> None:
    scores = Scores("dice", 2)
    with pytest.raises(ValueError, match=r"transformers such as SegFormer.*interpolate"):
        scores.update(LOGITS[..., :2, :2], LABELS)
    with pytest.raises(ValueError, match="resize the logits to the labels"):
        scores.update(LOGITS[..., :4, :4], LABELS)


@pytest.mark.parametrize(
    ("pred", "target", "words"),
    [
        (LOGITS[..., :2, :2], LABELS, r"SegFormer give a quarter of it\): .*\(8, 8\), mode='bilin"),
        (LOGITS[..., :4], LABELS, r"Resize logits to the label's size first: .*interpolate\(pred"),
        (LOGITS, LABELS[:1], "pred holds 2 images and target 1: give both sides of the same batch"),
        (LOGITS[0], LABELS[0], r"one image without a batch: give pred\.unsqueeze\(0\)"),
        (torch.zeros(2, 5, 5, 5), torch.zeros(5, 5, 5).long(), "one image without a batch"),
        (LOGITS.movedim(1, -1), LABELS, r"channels of pred come last: give pred\.movedim\(-1, 1\)"),
        (LOGITS, torch.zeros(2, 8, 8, 3).long(), "picture in colours: .*not as RGB"),
        (LOGITS, LABELS + 255, r"ignore_index \(255 in MMSegmentation, detectron2 and tr"),
        (LOGITS, LABELS - 100, r"got values from -100 to -100"),
    ],
)  # fmt: skip
def test_layouts_that_people_have(pred: torch.Tensor, target: torch.Tensor, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DiceLoss(ignore_index=None)(pred, target)


REAL = """
import torch
from seglosses.losses import DiceLoss, GIoULoss
from seglosses.metrics import Scores
from torchvision import tv_tensors
from torchvision.models.segmentation import lraspp_mobilenet_v3_large
from transformers import SegformerConfig, SegformerForSemanticSegmentation
from ultralytics.engine.results import Results

images, labels = torch.zeros(2, 3, 32, 32), torch.zeros(2, 32, 32, dtype=torch.long)
boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
config = SegformerConfig(num_labels=2, hidden_sizes=[8] * 4, depths=[1] * 4, decoder_hidden_size=8)
segformer = SegformerForSemanticSegmentation(config).eval()(images)
lraspp = lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=2)
lraspp = lraspp.eval()(images)
wrong = tv_tensors.BoundingBoxes(boxes, format="CXCYWH", canvas_size=(8, 8))
result = Results(images[0].numpy(), "", {}, boxes=torch.zeros(1, 6))
said = []
for call in (
    lambda: DiceLoss()(segformer, labels), lambda: DiceLoss()(lraspp, labels),
    lambda: Scores("dice", 2).update(segformer, labels),
    lambda: Scores("dice", 2).update(segformer.logits, labels),
    lambda: DiceLoss()(segformer.logits, labels),
    lambda: GIoULoss()(boxes, wrong), lambda: GIoULoss()(result, boxes),
):
    try:
        call()
    except ValueError as error:
        said.append(str(error))
print(*said, sep="\\n")
"""

CHECK = """[word in one for one, word in zip(said, (
    "SemanticSegmenterOutput of 'logits', as models of transformers", "as models of torchvision",
    "as models of transformers", "at a quarter of the size", "interpolate", "CXCYWH", "boxes.xyxy",
), strict=True)] == [True] * 7"""


@pytest.mark.slow
def test_real_outputs(tmp_path: Path) -> None:
    for name in ("torchvision", "transformers", "ultralytics"):
        if not (FOLDER / name).is_dir():
            pytest.skip(f"no {name} in {FOLDER}")
    program = tmp_path / "program.py"
    program.write_text(REAL)
    done = subprocess.run(
        [sys.executable, str(RUNNER), str(program), str(FOLDER), CHECK],
        capture_output=True, text=True, timeout=300, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
