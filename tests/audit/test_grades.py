"""What breaks a law is graded, and a definition is exempt whoever wrote it."""

from __future__ import annotations

import pytest

from seglosses.audit import as_text, audit
from seglosses.audit.adapters import ADAPTERS, PEERS
from seglosses.audit.subjects import read
from seglosses.cli import main
from seglosses.laws import EXEMPT, Subject, grade_of, laws_of
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
    ours = {name for name, _ in EXEMPT}
    said = {path: adapter.definition for path, adapter in ADAPTERS.items() if adapter.definition}
    assert set(said.values()) <= ours
    assert said["calibrate.losses.logit_margin_l1.LogitMarginL1"] == "MarginSmoothingLoss"


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
    assert known >= (EDGES | CONVENTIONS)
    assert not EDGES & CONVENTIONS


def _laws(kind: str) -> set[str]:
    every = {"channels": 3, "soft": True, "dims": (2, 3), "overlap": True, "weighted": True}
    subject = Subject("all", kind, lambda pred, target: pred.sum(), independent=True, **every)
    return set(laws_of(subject))


def test_every_peer_has_an_adapter() -> None:
    for text in PEERS:
        assert read(text).path.partition(".")[0] in ADAPTERS
