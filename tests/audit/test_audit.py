"""``seglosses audit``: what it reads, what it finds, what it exits with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seglosses.audit import as_markdown, as_text, audit
from seglosses.audit.adapters import ADAPTERS, PEERS, Adapter
from seglosses.audit.examination import normalized_sums_agree, prices_differ
from seglosses.audit.subjects import find, import_alone, read, subjects
from seglosses.catalogue import loss_classes
from seglosses.cli import main
from seglosses.laws import EXEMPT, Subject, examine, grade_of, laws_of
from seglosses.laws.grades import CONVENTIONS, EDGES
from seglosses.primitives.encoding import one_hot

HERE = "tests.audit.test_audit"


class BlindTverskyLoss(nn.Module):
    """Gathers the probability of the label only, so that misses and false alarms are one."""

    def __init__(self, alpha: float = 0.5, beta: float = 0.5) -> None:
        super().__init__()
        self.alpha, self.beta = alpha, beta

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        hit = pred.softmax(1).gather(1, target.unsqueeze(1)).sum()
        missed = target.numel() - hit
        return 1 - hit / (hit + (self.alpha + self.beta) * missed)


class RawIndexLovaszLoss(nn.Module):
    """Sorts class indices where the indicator of the class is meant."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        prob, hot = pred.softmax(1).flatten(2), one_hot(target, pred.shape[1]).flatten(2)
        errors, order = (hot - prob).abs().sort(2, descending=True)
        label = target.flatten(1).unsqueeze(1).expand_as(order).gather(2, order).float()
        left = label.sum(2, keepdim=True) - label.cumsum(2)
        union = label.sum(2, keepdim=True) + (1 - label).cumsum(2)
        jaccard = 1 - left / union.clamp(min=1e-6)
        return (errors * torch.diff(jaccard, prepend=jaccard.new_zeros(1)[None, None].expand(
            *jaccard.shape[:2], 1), dim=2)).sum(2).mean()  # fmt: skip


class SquareNormalizedLoss(nn.Module):
    """A scale that multiplies by K - 1 where it should divide; takes rows, returns a tuple."""

    def __init__(self, num_classes: int = 3) -> None:
        super().__init__()
        self.scale = 1 / 4 * (num_classes - 1)

    def forward(self, pred: Tensor, target: Tensor) -> tuple[Tensor, None]:
        return self.scale * (1 - pred.softmax(1).gather(1, target.unsqueeze(1))).mean(), None


class TinyNegativePowerLoss(nn.Module):
    """A power of one minus a ratio that may round to a little above one, as it always does here."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        prob = pred.softmax(1).flatten(1)
        soft = target if target.is_floating_point() else one_hot(target, pred.shape[1])
        both = (prob.sum(1) + soft.flatten(1).sum(1) - (prob - soft.flatten(1)).abs().sum(1)) / 2
        return ((1 - both / soft.flatten(1).sum(1) - 1e-8) ** 1.5).mean()


class LonePixelLoss(nn.Module):
    """Squeezes away the dimension of pixels where one is left, and turns gradients on."""

    def __init__(self, ignore_index: int = 255) -> None:
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        torch.set_grad_enabled(True)
        rows, labels = pred.flatten(2).transpose(1, 2).flatten(0, 1), target.flatten()
        kept = (labels != self.ignore_index).nonzero().squeeze()
        return (rows[kept, :].logsumexp(1) - rows[kept, labels[kept]]).mean()


class DrownedGeneralizedDiceLoss(nn.Module):
    """Smoothing of 1e-5 beside weights of one over the squared volume."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        prob, hot = pred.softmax(1).flatten(2), one_hot(target, pred.shape[1]).flatten(2)
        weight = 1 / hot.sum(2).square().clamp(min=1)
        hit, mass = (weight * (prob * hot).sum(2)).sum(1), (weight * (prob + hot).sum(2)).sum(1)
        return (1 - (2 * hit + 1e-5) / (mass + 1e-5)).mean()


class RowSumBalancedLoss(nn.Module):
    """Channels last, and a sum over axis 1, which then is the rows; a mean over the rest."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        hot = one_hot(target, pred.shape[1])
        counts = hot.sum((0, 2, 3))
        share = (counts.sum() - counts) / ((len(counts) - 1) * counts.sum()).clamp(min=1)
        cost = -(share.view(1, -1, 1, 1) * hot * pred.log_softmax(1)).movedim(1, -1)
        return cost.sum(1).mean()


class ElsewhereLoss(nn.Module):
    """Moves what it makes to a GPU, and returns nothing where there is nothing to price."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor | None:
        if not target.any():
            return None
        return (pred * torch.ones(1).cuda()).square().mean()


class MapLoss(nn.Module):
    """Probabilities times maps that are made beforehand."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return (pred * target).mean()


def refuses_without_words(pred: Tensor, target: Tensor) -> Tensor:
    raise NotImplementedError


def inside_is_minus_one(indicators: NDArray[np.int64]) -> NDArray[np.int64]:
    """Maps of one image in the type of its indicators, as boundary-loss makes them."""
    return 1 - 2 * indicators


def broken(text: str, setting: str = "3 classes") -> set[str]:
    (verdict,) = [v for v in audit(text) if v.setting == setting]
    return {finding.law for finding in [*verdict.broken, *verdict.conventions]}


def test_ours_hold() -> None:
    for text in ("TverskyLoss", "seglosses.LovaszSoftmaxLoss", "GeneralizedDiceLoss", "CIoULoss"):
        for verdict in audit(text):
            assert verdict.broken == verdict.conventions == []
            assert len(verdict.findings) >= 8


def test_prices_that_are_one() -> None:
    # kornia before 0.9: (.9, .1), (.1, .9) and (.3, .7) all cost .741228
    finding = prices_differ(f"{HERE}.BlindTverskyLoss")
    assert finding is not None
    assert not finding.holds
    assert "a_class_weighs_as_a_class" in broken(f"{HERE}.BlindTverskyLoss")


def test_indices_in_place_of_indicators() -> None:
    # kornia before 0.9: .6062 where the reference gives .8168
    assert "class_order_is_irrelevant" in broken(f"{HERE}.RawIndexLovaszLoss")


def test_smoothing_that_drowns_weights() -> None:
    law = "all_wrong_is_never_cheaper_in_a_larger_image"
    assert law in broken(f"{HERE}.DrownedGeneralizedDiceLoss")


def test_scales_that_grow_with_the_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    # Active-Passive-Losses: 1 / 4 * (K - 1) where 1 / (4 (K - 1)) is meant
    text = f"{HERE}.SquareNormalizedLoss"
    monkeypatch.setitem(ADAPTERS, text, Adapter(make={"num_classes": 3}, rows=True))
    finding = normalized_sums_agree(text)
    assert finding is not None
    assert not finding.holds
    assert finding.words.endswith("1 for 3 classes, 6.25 for 6 classes")
    assert normalized_sums_agree("NormalizedFocalLoss").holds
    assert normalized_sums_agree("CrossEntropyLoss") is None


def test_rows_summed_as_classes() -> None:
    # DeepFloorplan: .4596 where the textbook gives .3184
    assert "mirror_images_cost_the_same" in broken(f"{HERE}.RowSumBalancedLoss")
    assert "mirror_images_cost_the_same" not in broken("BalancedCrossEntropyLoss")


def test_devices_that_are_demanded() -> None:
    # active-boundary-loss: .cuda() wherever the input lies, None where it sees no boundary
    before = Tensor.cuda, nn.Module.cuda
    (verdict,) = audit(f"{HERE}.ElsewhereLoss")
    findings = {finding.law: finding for finding in verdict.broken}
    assert findings["stays_on_its_device"].words == "Tensor.cuda called for input on a CPU"
    assert "expected a scalar, got None" in findings["degenerate_inputs_are_finite"].words
    assert (Tensor.cuda, nn.Module.cuda) == before


def test_maps_that_wrap_around(monkeypatch: pytest.MonkeyPatch) -> None:
    # boundary-loss: distances of uint8 masks, where -1 is 255
    text = f"{HERE}.MapLoss"
    adapter = Adapter(activated=True, prepare=f"{HERE}.inside_is_minus_one")
    monkeypatch.setitem(ADAPTERS, text, adapter)
    assert "integer_labels_of_any_type" in broken(text)
    _, subject = next(subjects(text))
    pred, labels = torch.zeros(1, 3, 1, 2), torch.tensor([[[0, 2]]])
    # probabilities of 1/3, maps [[-1, 1], [1, 1], [1, -1]]
    assert subject.call(pred, labels).item() == pytest.approx(2 / 18)
    assert subject.call(pred[:0], labels[:0]).isnan()  # no images: the loss's own mean of nothing


def test_powers_of_tiny_negatives(monkeypatch: pytest.MonkeyPatch) -> None:
    # JDTLosses: NaN in 90 of 300 exact matches at gamma 1.5
    text = f"{HERE}.TinyNegativePowerLoss"
    assert "own_probabilities_are_finite" not in broken(text)  # not told that it takes soft labels
    monkeypatch.setitem(ADAPTERS, text, Adapter(soft=True))
    assert "own_probabilities_are_finite" in broken(text)


def test_one_pixel_that_is_squeezed_away() -> None:
    # LovaszSoftmax and MbLS: IndexError; ASL: the grad mode
    assert {"one_valid_pixel_is_enough", "caller_is_left_alone"} <= broken(f"{HERE}.LonePixelLoss")


def test_layouts(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def loss(pred: Tensor, target: Tensor) -> Tensor:
        seen.append((pred, target))
        return pred.mean()

    monkeypatch.setattr("tests.audit.test_audit.layout_loss", loss, raising=False)
    text = f"{HERE}.layout_loss"
    pred, labels = torch.zeros(2, 3, 4, 5), torch.ones(2, 4, 5, dtype=torch.long)
    for adapter, shapes in (
        (Adapter(activated=True, one_hot=True), ((2, 3, 4, 5), (2, 3, 4, 5))),
        (Adapter(volumes=True), ((2, 3, 1, 4, 5), (2, 1, 4, 5))),
        (Adapter(rows=True), ((40, 3), (40,))),
        (Adapter(channel_axis=(True, True)), ((2, 3, 4, 5), (2, 1, 4, 5))),
    ):
        monkeypatch.setitem(ADAPTERS, text, adapter)
        next(subjects(text))[1].call(pred, labels)
        assert tuple(tuple(x.shape) for x in seen[-1]) == shapes
        assert seen[-1][0].sum() == pytest.approx(40 if adapter.activated else 0)
    monkeypatch.setitem(ADAPTERS, text, Adapter(one_hot=True))
    next(subjects(text))[1].call(pred[:, :2], labels)
    assert seen[-1][1].shape == (2, 2, 4, 5)  # a law may take a class away


def test_exceptions_without_words_show_their_line() -> None:
    (finding, *_) = examine(Subject("refuses", "box", refuses_without_words))
    assert finding.words == "raised NotImplementedError: raise NotImplementedError"


def test_exemptions_are_named_and_do_not_fail(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "LabelSmoothingLoss"]) == 0
    assert "exempt  perfect_prediction_costs_zero: certainty" in capsys.readouterr().out


@pytest.mark.slow
def test_all_of_ours_pass() -> None:
    verdicts = [verdict for name in loss_classes() for verdict in audit(name)]
    assert len(verdicts) > 150
    against = {(v.type, v.setting): [*v.broken, *v.conventions] for v in verdicts}
    assert {key: found for key, found in against.items() if found} == {}


@pytest.mark.parametrize("name", ["KLDistillationLoss", "MIPLoss", "VarifocalLoss", "InfoNCELoss"])
def test_other_inputs_are_made_from_the_labels(name: str) -> None:
    verdicts = audit(name)
    assert [verdict.setting for verdict in verdicts] == ["3 classes", "1 channel"]
    assert all(not verdict.broken and not verdict.conventions for verdict in verdicts)


def test_what_cannot_be_parsed_is_said(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    # unified-focal-loss: a docstring indented outside of its function
    (tmp_path / "unparsed_losses.py").write_text("def loss():\n'doc'\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"cannot import unparsed_losses.loss \(expected an ind"):
        audit("unparsed_losses.loss")


@pytest.mark.parametrize(
    ("text", "setting", "laws"),
    [
        ("mmseg.DiceLoss", "1 channel", {"perfect_prediction_costs_zero"}),
        (
            "mmseg.DiceLoss",
            "3 classes",
            {
                "ignored_pixels_do_not_matter",
                "all_ignored_is_a_zero_with_a_graph",
                "a_class_weighs_as_a_class",
                "weights_of_one_are_taken",
                "half_precision_agrees",
            },
        ),
        ("mmseg.TverskyLoss", "1 channel", {"wrong_prediction_costs_more"}),
        ("mmseg.LovaszLoss", "constructor", {"can_be_constructed"}),
        (
            "mmseg.LovaszLoss(reduction='none')",
            "3 classes",
            {"all_ignored_is_a_zero_with_a_graph"},
        ),
        (
            "mmdet.CIoULoss",
            "boxes",
            {"identical_boxes_cost_zero", "half_precision_agrees", "no_boxes_cost_zero"},
        ),
        ("mmdet.SIoULoss", "boxes", {"distance_never_pays"}),
    ],
)
def test_defects_of_openmmlab(text: str, setting: str, laws: set[str]) -> None:
    pytest.importorskip("mmseg.models.losses" if "mmseg" in text else "mmdet.models.losses")
    assert laws <= broken(text, setting)


def test_a_right_sign_is_told_from_a_wrong_one() -> None:
    pytest.importorskip("mmdet.models.losses")
    assert "distance_never_pays" not in broken("mmdet.SIoULoss(neg_gamma=True)", "boxes")


def test_reading() -> None:
    assert read("a.b.C(x=1, y=[1, 2])").arguments == {"x": 1, "y": [1, 2]}
    for text in ("DiceLoss(1)", "1 + 1", "DiceLoss(smooth=f())", "a.b(", "x[0]"):
        with pytest.raises(ValueError, match="expected a name or dotted path"):
            read(text)
    with pytest.raises(ValueError, match="cannot import"):
        find("seglosses.NoSuchLoss")


def test_losses_are_found_though_their_package_lacks_a_dependency(tmp_path, monkeypatch) -> None:
    package = tmp_path / "half_installed"
    package.mkdir()
    (package / "__init__.py").write_text("from . import encoders\n")
    (package / "losses.py").write_text("class Loss: ...\n")
    # a folder without __init__.py stays in sys.modules when what lies in it fails
    deep = package / "encoders" / "deep"
    (deep / "bare").mkdir(parents=True)
    (deep.parent / "__init__.py").write_text("from .deep.bare.leaf import x\n")
    (deep / "__init__.py").write_text("from .bare.leaf import x\n")
    (deep / "bare" / "leaf.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert find("half_installed.losses.Loss")[0].__name__ == "Loss"
    for absent in ("half_installed", "half_installed.encoders"):
        with pytest.raises(ImportError, match="no_such_dependency"):
            import_alone(absent)
    with pytest.raises(ImportError, match="no_such_package"):
        import_alone("no_such_package.losses")


def test_settings() -> None:
    settings = dict(subjects("DiceLoss"))
    assert settings["1 channel"].channels == 1
    assert settings["3 classes"].overlap
    assert settings["3 classes"].ignore_index == 255
    assert list(dict(subjects(f"{HERE}.BlindTverskyLoss"))) == ["3 classes"]


def test_words_and_tables() -> None:
    (verdict,) = audit(f"{HERE}.BlindTverskyLoss")
    assert "BREAKS  alpha_is_not_beta" in as_text(verdict)
    assert "holds   image_order_is_irrelevant" in as_text(verdict)
    assert "| alpha is not beta |" in as_markdown([verdict])


def test_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "CrossEntropyLoss"]) == 0
    assert "0 of" in capsys.readouterr().out
    assert main(["audit", f"{HERE}.BlindTverskyLoss", "--format", "markdown"]) == 1
    assert capsys.readouterr().out.startswith("| type, setting, call |")
    assert main(["audit", "NoSuchLoss"]) == 2
    assert main(["audit"]) == 2


class SmoothedLoss(nn.Module):
    """Label smoothing, by someone else."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return nn.functional.cross_entropy(pred, target, label_smoothing=0.1)


def test_exemptions_go_by_definition_not_by_author(capsys: pytest.CaptureFixture[str]) -> None:
    text = f"{HERE}.SmoothedLoss"
    assert "perfect_prediction_costs_zero" in broken(text)
    (verdict,) = audit(text, "LabelSmoothingLoss")
    assert "perfect_prediction_costs_zero" not in {finding.law for finding in verdict.broken}
    assert main(["audit", text, "--definition", "LabelSmoothingLoss"]) == 1  # no images: NaN
    assert "exempt  perfect_prediction_costs_zero" in capsys.readouterr().out
    with pytest.raises(ValueError, match="expected the name of a loss of ours"):
        audit(text, "NoSuchLoss")


def test_published_definitions_have_the_exemptions_of_ours() -> None:
    ours = {name for name, _ in EXEMPT}
    said = {path: adapter.definition for path, adapter in ADAPTERS.items() if adapter.definition}
    assert set(said.values()) <= ours
    assert said["calibrate.losses.logit_margin_l1.LogitMarginL1"] == "MarginSmoothingLoss"


class MeanOfAllClassesDiceLoss(nn.Module):
    """Dice with absent classes in its mean: the choice of some libraries."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        prob = pred.softmax(1).flatten(2)
        hot = one_hot(target, pred.shape[1]).flatten(2)
        both, sizes = (prob * hot).sum(2), (prob + hot).sum(2)
        ratio = torch.where(sizes > 0, 2 * both / sizes.clamp(min=1e-6), torch.ones(()))
        return (1 - ratio).sum() / max(len(pred) * pred.shape[1], 1)


def test_a_convention_is_no_defect(capsys: pytest.CaptureFixture[str]) -> None:
    (verdict,) = audit(f"{HERE}.MeanOfAllClassesDiceLoss")
    named = {finding.law for finding in verdict.conventions}
    assert "absent_class_does_not_matter" in named
    assert not named & {finding.law for finding in verdict.broken}
    assert "differs absent_class_does_not_matter (a convention)" in as_text(verdict)


class RootDiceLoss(nn.Module):
    """A power below one of 1 - Dice: infinite slope where nothing is to be found and nothing is."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        prob, found = pred.softmax(1)[:, 1:].flatten(1), (target > 0).flatten(1)
        both = (prob * found[:, None].repeat(1, 2, 1).flatten(1)).sum(1)
        loss = (1 - (2 * both + 1) / (prob.sum(1) + 2 * found.sum(1) + 1)) * found.any(1)
        return loss.pow(0.75).sum() / max(len(pred), 1)


def test_nothing_to_be_found_is_an_ordinary_batch() -> None:
    (verdict,) = audit(f"{HERE}.RootDiceLoss")
    (finding,) = [f for f in verdict.broken if f.law == "background_alone_is_finite"]
    assert "gradient is not finite for labels without a foreground" in finding.words
    assert grade_of(finding.law) == "ordinary"
    assert verdict.broken.index(finding) < len(verdict.broken) - 1  # what is graver comes first


def test_every_grade_is_of_a_law_that_exists() -> None:
    known = {law for kind in ("box", "segmentation") for law in _laws(kind)}
    assert known >= (EDGES | CONVENTIONS)
    assert not EDGES & CONVENTIONS


def _laws(kind: str) -> set[str]:
    every = {"channels": 3, "soft": True, "dims": (2, 3), "overlap": True, "weighted": True}
    subject = Subject("all", kind, lambda pred, target: pred.sum(), independent=True, **every)
    return set(laws_of(subject))


def test_every_peer_has_an_adapter() -> None:
    for text in PEERS:
        assert read(text).path.partition(".")[0] in ADAPTERS
