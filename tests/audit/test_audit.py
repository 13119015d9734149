"""``seglosses audit``: what it reads, what it finds, what it exits with."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor, nn

from seglosses.audit import as_markdown, as_text, audit
from seglosses.audit.adapters import ADAPTERS, Adapter
from seglosses.audit.examination import normalized_sums_agree, prices_differ
from seglosses.audit.subjects import find, import_alone, read, subjects
from seglosses.catalogue import loss_classes
from seglosses.cli import main
from seglosses.laws import Subject, examine
from tests.audit.laws_broken import HERE, broken
from tests.audit.mistakes import refuses_without_words


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

    monkeypatch.setattr(f"{HERE}.layout_loss", loss, raising=False)
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
    ],
)
def test_defects_of_openmmlab(text: str, setting: str, laws: set[str]) -> None:
    pytest.importorskip("mmseg.models.losses" if "mmseg" in text else "mmdet.models.losses")
    assert laws <= broken(text, setting)


def test_a_right_sign_is_told_from_a_wrong_one() -> None:
    """The default differs by its definition, and is told, but is no defect."""
    pytest.importorskip("mmdet.models.losses")
    (verdict,) = audit("mmdet.SIoULoss")
    assert "distance_never_pays" in {f.law for f in verdict.findings if not f.holds}
    assert "neg_gamma" in verdict.exempt["distance_never_pays"]
    assert "distance_never_pays" not in broken("mmdet.SIoULoss", "boxes")
    assert "distance_never_pays" not in broken("mmdet.SIoULoss(neg_gamma=True)", "boxes")


def test_reading() -> None:
    assert read("a.b.C(x=1, y=[1, 2])").arguments == {"x": 1, "y": [1, 2]}
    for text in ("DiceLoss(1)", "1 + 1", "DiceLoss(smooth=f())", "a.b(", "x[0]"):
        with pytest.raises(ValueError, match="expected a name or dotted path"):
            read(text)
    with pytest.raises(ValueError, match="cannot import"):
        find("seglosses.NoSuchLoss")


def test_a_loss_is_found_in_the_folder_where_we_are(tmp_path, monkeypatch) -> None:
    # an installed command has the folder of commands on its path, not the one it is called in
    (tmp_path / "losses_of_a_stranger.py").write_text("class Loss: ...\n")
    (tmp_path / "json.py").write_text("raise RuntimeError('hides the library')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [place for place in sys.path if place])
    monkeypatch.delitem(sys.modules, "json")
    assert find("losses_of_a_stranger.Loss")[0].__name__ == "Loss"
    assert find("losses_of_a_stranger.Loss")[0].__name__ == "Loss"
    assert sys.path.count(str(tmp_path)) == 1
    assert find("json.dumps")[0]([1]) == "[1]"


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
