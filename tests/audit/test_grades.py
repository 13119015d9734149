"""What breaks a law is graded, and a definition is exempt whoever wrote it."""

from __future__ import annotations

import pytest
import torch

from seglosses.audit import as_text, audit
from seglosses.audit.adapters import ADAPTERS, PEERS
from seglosses.audit.subjects import _adapted, read
from seglosses.cli import main
from seglosses.laws import EXEMPT, EXEMPT_WITH, LawBrokenError, Subject, grade_of, laws_of
from seglosses.laws.grades import CONVENTIONS, EDGES
from tests.audit.laws_broken import HERE, broken


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
    ours = {name for name, _ in [*EXEMPT, *EXEMPT_WITH]}
    said = {path: adapter.definition for path, adapter in ADAPTERS.items() if adapter.definition}
    assert set(said.values()) <= ours
    assert said["calibrate.losses.logit_margin_l1.LogitMarginL1"] == "MarginSmoothingLoss"


def test_an_option_that_makes_another_definition_has_its_own_exemptions() -> None:
    law = "gradient_is_the_derivative"
    for verdict in audit("seglosses.AsymmetricLoss(gamma_pos=1.0, detach=True)"):
        assert verdict.broken == []
        assert set(verdict.exempt) == {law}
    assert law not in audit("AsymmetricLoss")[0].exempt


def test_a_loss_that_its_users_skip_is_a_zero() -> None:
    boundary = ADAPTERS["active_boundary_loss.abl.ABL"]
    logits, labels = torch.ones(1, 2, 3, 3, requires_grad=True), torch.zeros(1, 3, 3).long()
    value = _adapted(lambda pred, target: None, boundary, 2, logits, labels)
    value.backward()
    assert value == 0
    assert logits.grad.abs().max() == 0
    with pytest.raises(LawBrokenError, match="expected a scalar, got None"):
        _adapted(lambda pred, target: None, ADAPTERS["mmseg"], 2, logits, labels)


def test_half_precision_without_autocast_is_an_edge() -> None:
    assert grade_of("half_precision_agrees") == "edge"
    with torch.autocast("cpu", torch.bfloat16):
        logits = torch.nn.functional.conv2d(torch.ones(1, 2, 3, 3), torch.ones(2, 2, 1, 1))
        assert logits.dtype == torch.bfloat16
        assert torch.nn.functional.cross_entropy(logits, torch.zeros(1, 3, 3).long()).dtype == (
            torch.float32
        )


def test_a_convention_is_no_defect(capsys: pytest.CaptureFixture[str]) -> None:
    (verdict,) = audit(f"{HERE}.MeanOfAllClassesDiceLoss")
    named = {finding.law for finding in verdict.conventions}
    assert "absent_class_does_not_matter" in named
    assert not named & {finding.law for finding in verdict.broken}
    assert "differs absent_class_does_not_matter (a convention)" in as_text(verdict)


def test_nothing_to_be_found_is_an_ordinary_batch() -> None:
    (verdict,) = audit(f"{HERE}.RootDiceLoss")
    (finding,) = [f for f in verdict.broken if f.law == "background_alone_is_finite"]
    assert "gradient is not finite for labels without a foreground" in finding.words
    assert grade_of(finding.law) == "ordinary"
    assert verdict.broken.index(finding) < len(verdict.broken) - 1  # what is graver comes first


def test_every_grade_is_of_a_law_that_exists() -> None:
    known = {law for kind in ("box", "segmentation") for law in _laws(kind)}
    known.add("stays_on_its_device")  # of the audit
    assert known >= (EDGES | CONVENTIONS)
    assert not EDGES & CONVENTIONS


def _laws(kind: str) -> set[str]:
    every = {"channels": 3, "soft": True, "dims": (2, 3), "overlap": True, "weighted": True}
    subject = Subject("all", kind, lambda pred, target: pred.sum(), independent=True, **every)
    return set(laws_of(subject))


def test_every_peer_has_an_adapter() -> None:
    for text in PEERS:
        assert read(text).path.partition(".")[0] in ADAPTERS
