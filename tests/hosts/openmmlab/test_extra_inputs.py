"""The segmentor that hands losses more than logits and labels."""

from __future__ import annotations

import copy
import os
import warnings
from pathlib import Path

import pytest
import torch

pytest.importorskip("mmseg")

from mmengine.config import Config
from mmengine.registry import init_default_scope

from seglosses.extra_inputs import extra_input
from seglosses.hosts.openmmlab.extra_inputs import AddLabelled, AddSignedDistance
from seglosses.hosts.openmmlab.label_maps import AddLabelMaps
from seglosses.losses.fields import signed_fields
from seglosses.registry import MODELS
from tests.hosts.openmmlab.extra_networks import batch, extended, network, plain

ROOT = Path(__file__).parents[3]


@pytest.fixture
def teacher(tmp_path):
    torch.manual_seed(3)
    model = plain(channels=4)
    torch.save({"state_dict": model.state_dict()}, tmp_path / "teacher.pth")
    return {"model": network(channels=4), "checkpoint": str(tmp_path / "teacher.pth")}


DISTILL = ("seglosses.KLDistillationLoss", "seglosses.JaccardDistillationLoss")


def test_a_teacher_reaches_the_losses(teacher):
    student = extended(losses=DISTILL, teacher=teacher)
    losses = student.loss(*batch())
    assert {"decode.loss_kl_distillation", "decode.loss_jaccard_distillation"} < set(losses)
    sum(v for k, v in losses.items() if "loss" in k).backward()
    assert student.decode_head.conv_seg.weight.grad.abs().sum() > 0
    assert extra_input("teacher") is None


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_a_teacher_is_not_unpickled_without_trust(teacher, tmp_path):
    mark = tmp_path / "attacked"
    state = torch.load(teacher["checkpoint"])
    torch.save({**state, "meta": Attack(mark)}, teacher["checkpoint"])
    words = r"teacher\.pth holds more than weights \(\w+\.mkdir\).*trust=True"
    with pytest.raises(ValueError, match=words):
        extended(losses=DISTILL, teacher=teacher)
    assert not mark.exists()
    assert os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD") is None
    with warnings.catch_warnings():
        # of mmengine, that it reads everything
        warnings.simplefilter("ignore", UserWarning)
        extended(losses=DISTILL, teacher={**teacher, "trust": True})
    assert mark.exists(), "the file would have attacked"


def test_a_student_that_is_its_teacher_has_nothing_to_learn(teacher):
    student = extended(channels=4, losses=DISTILL, teacher=teacher)
    student.load_state_dict(torch.load(teacher["checkpoint"])["state_dict"])
    losses = student.eval().loss(*batch())
    assert losses["decode.loss_kl_distillation"].item() == pytest.approx(0.0, abs=1e-6)
    assert losses["decode.loss_jaccard_distillation"].item() == pytest.approx(0.0, abs=1e-5)


def test_the_teacher_is_no_part_of_the_student(teacher):
    student = extended(losses=DISTILL, teacher=teacher)
    assert set(student.state_dict()) == set(plain().state_dict())
    assert len(list(student.parameters())) == len(list(plain().parameters()))
    frozen = student.train()._teacher[0]
    assert not frozen.training
    assert not any(p.requires_grad for p in frozen.parameters())
    before = frozen.backbone.encoder[0][0].convs[0].bn.running_mean.clone()
    student.loss(*batch())
    assert torch.equal(before, frozen.backbone.encoder[0][0].convs[0].bn.running_mean)
    assert copy.deepcopy(student).loss(*batch()).keys() == student.loss(*batch()).keys()


def test_prediction_is_that_of_the_plain_network(teacher):
    student, same = extended(teacher=teacher).eval(), plain().eval()
    same.load_state_dict(student.state_dict())
    images, samples = batch()
    for ours, theirs in zip(student.predict(images, samples), same.predict(images), strict=True):
        assert torch.equal(ours.pred_sem_seg.data, theirs.pred_sem_seg.data)


def test_maps_of_the_data_loader_reach_the_losses():
    losses = ("seglosses.KervadecBoundaryLoss",)
    model = extended(losses=losses).eval()
    images, samples = batch()
    expected = model.loss(images, samples)["decode.loss_kervadec_boundary"]
    for sample in samples:
        packed = AddSignedDistance(num_classes=3)({"data_samples": sample})
        labels = sample.gt_sem_seg.data
        maps = signed_fields(torch.cat([labels == c for c in range(3)])[None])[0]
        assert torch.equal(packed["data_samples"].extra_signed_distance.data, maps)
    torch.testing.assert_close(
        model.loss(images, samples)["decode.loss_kervadec_boundary"], expected
    )
    for sample in samples:
        sample.extra_signed_distance.data *= 2
    doubled = model.loss(images, samples)["decode.loss_kervadec_boundary"]
    torch.testing.assert_close(doubled, 2 * expected)


def test_each_data_set_says_what_it_labels():
    model = extended(losses=("seglosses.MarginalCrossEntropyLoss",)).eval()
    images, samples = batch()
    for sample in samples:
        sample.gt_sem_seg.data.clamp_(max=1)
    complete = model.loss(images, samples)["decode.loss_marginal_cross_entropy"]
    for sample in samples:
        AddLabelled(classes=[1], num_classes=3)({"data_samples": sample})
    merged = model.loss(images, samples)["decode.loss_marginal_cross_entropy"]
    # what looks like background may be class 2, which costs less
    assert merged < complete
    for sample in samples:
        sample.gt_sem_seg.data.fill_(2)
    with pytest.raises(ValueError, match="was not labelled in their image"):
        model.loss(images, samples)
    with pytest.raises(ValueError, match=r"classes must lie in \[0, 3\)"):
        AddLabelled(classes=[3], num_classes=3)


def test_transform_makes_maps_of_labels_for_the_losses():
    names = [
        f"seglosses.{n}Loss" for n in ("SkeletonRecall", "HausdorffDT", "ComponentBalancedDice")
    ]
    keys = [
        f"decode.loss_{n}" for n in ("skeleton_recall", "hausdorff_dt", "component_balanced_dice")
    ]
    model = extended(losses=names).eval()
    images, samples = batch()
    expected = model.loss(images, samples)
    step = AddLabelMaps([{"type": name} for name in names], num_classes=3)
    for sample in samples:
        step({"data_samples": sample})
        # a map and its digest for each
        assert len(sample.label_maps) == 6
    found = model.loss(images, samples)
    for key in keys:
        torch.testing.assert_close(found[key], expected[key], rtol=0, atol=0)
    for sample in samples:
        maps = sample.label_maps
        sample.label_maps = {k: v if k.startswith("digest") else v * 0 for k, v in maps.items()}
    changed = model.loss(images, samples)
    for key in keys[::2]:
        assert changed[key] != expected[key]
    # the model sees another label than the loader did
    for sample in samples:
        sample.gt_sem_seg.data = sample.gt_sem_seg.data.flip(-1)
    mirrored = model.loss(images, samples)
    for sample in samples:
        del sample.label_maps
    right = model.loss(images, samples)
    for key in keys:
        torch.testing.assert_close(mirrored[key], right[key], rtol=0, atol=0)


def test_features_and_a_second_branch_are_stated():
    seen = {}

    class Spy(torch.nn.Module):
        loss_name = "loss_spy"

        def forward(self, pred, target, weight=None, ignore_index=None):
            seen.update({n: extra_input(n) for n in ("features", "second_logits", "image")})
            return pred.sum() * 0

    auxiliary = network()["decode_head"]
    model = extended(auxiliary_head=auxiliary, feature_index=1, second_branch=True)
    model.decode_head.loss_decode = torch.nn.ModuleList([Spy()])
    images, samples = batch()
    model.loss(images, samples)
    assert seen["features"].shape == (2, 2, 16, 24)
    assert seen["second_logits"].shape == (2, 3, 16, 24)
    assert seen["image"] is images


@pytest.mark.filterwarnings("ignore:For binary segmentation:UserWarning")
def test_the_config_of_the_page_builds(tmp_path):
    page = (ROOT / "docs" / "extra_inputs.md").read_text(encoding="utf-8")
    blocks = [each.split("```")[0] for each in page.split("```python\n")[1:]]
    (block,) = (each for each in blocks if 'attribute_to="image"' in each)
    file = tmp_path / "page.py"
    file.write_text(block.replace("./unet_128.py", str(ROOT / "configs/bricks/unet_128.py")))
    model = Config.fromfile(file).model
    init_default_scope("mmseg")
    losses = MODELS.build(model).loss(*batch())
    assert losses["decode.loss_attribution_energy"].requires_grad


def test_borders(teacher):
    with pytest.raises(ValueError, match="attribute_to must be 'image' or the number"):
        extended(attribute_to="input")
    with pytest.raises(ValueError, match="second_branch=True"):
        extended(second_branch=True)
    with pytest.raises(ValueError, match="checkpoint"):
        extended(teacher={"config": "x.py"})
    with pytest.raises(ValueError, match="needs config"):
        extended(teacher={"checkpoint": "x.pth"})
    mean = {"type": "SegDataPreProcessor", "mean": [1.0, 2, 3], "std": [1.0, 1, 1]}
    with pytest.raises(ValueError, match="normalise images alike"):
        extended(teacher=teacher, data_preprocessor=mean)
    with pytest.raises(ValueError, match="needs a teacher's logits"):
        extended(losses=DISTILL).loss(*batch())
    with pytest.raises(ValueError, match="not in mmseg's registry"):
        extended(segmentor="NoSuchSegmentor")
