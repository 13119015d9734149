"""What predictions get wrong, and which losses are proposed against it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from seglosses.advise.profile import Profile
from seglosses.advise.proposal import propose
from seglosses.advise.text import as_text
from seglosses.metrics import Pair
from seglosses.metrics.error_kinds import wrong
from tests.advise.made import (
    Maker,
    disc,
    errors,
    lesion,
    line,
    losses,
    organ,
    profile,
    ring,
    sometimes,
    specks,
    tree,
)


def test_a_loss_for_missed_objects_keeps_what_absent_classes_need() -> None:
    rows = [errors({"missed": 4.0})] * 12
    terms = propose(profile(sometimes, errors={1: rows})).terms
    assert terms[1].loss == "TverskyLoss"
    assert terms[1].options == {"alpha": 0.3, "beta": 0.7, "average": "dataset"}


def test_one_line_says_which_class_needs_a_loss_most() -> None:
    def several(index: int) -> NDArray[np.uint8]:
        return np.kron(np.arange(1, 17).reshape(4, 4), np.ones((24, 24))).astype(np.uint8)

    rows = {
        index: [errors({"islands": float(index), "pinholes": 9.0, "island": 10.0 * index})] * 12
        for index in range(1, 17)
    }
    found = propose(profile(several, 17, errors=rows))
    term = next(one for one in found.terms if one.loss == "BettiMatchingLoss")
    assert "classes" not in term.options  # all of them
    said = "predictions: c16: 16.0 islands per image, 9.0 pinholes per image; 15 more classes"
    assert term.why == said
    text = as_text(profile(several, 17, errors=rows), found, configs=False)
    assert "8 classes with fewer wrong pixels" in text
    assert "c16: 0 breaks" in text
    assert "c8: 0 breaks" not in text


KINDS_BY_HAND: dict[str, tuple[Maker, Maker]] = {
    # two discs 14 px apart and a bar of 3 px between them
    "merged": (
        lambda _: disc(14, (48, 22)) | disc(14, (48, 64)),
        lambda _: disc(14, (48, 22)) | disc(14, (48, 64)) | block(47, 50, 22, 64),
    ),
    "rim": (lambda _: disc(20), lambda _: disc(22)),
    "leak": (lambda _: disc(20, (48, 30)), lambda _: disc(20, (48, 30)) | disc(16, (48, 62))),
    "pinholes": (lambda _: disc(20), lambda _: disc(20) & ~block(40, 42, 48, 50)),
    "gap": (lambda _: disc(30), lambda _: disc(30) & ~block(0, 96, 48, 96)),
    "missed": (
        lambda _: disc(20, (40, 40)) | disc(5, (85, 85)),
        lambda _: disc(20, (40, 40)),
    ),
    "islands": (lambda _: disc(20), lambda _: disc(20) | disc(3, (8, 8))),
    "breaks": (lambda _: disc(20), lambda _: disc(20) & ~block(0, 96, 46, 50)),
}
PROPOSED = {
    "merged": ["DiceLoss", "BettiMatchingLoss"],
    "rim": ["DiceLoss"],
    "leak": ["DiceLoss", "LogHausdorffDTLoss"],
    "pinholes": ["DiceLoss", "BettiMatchingLoss"],
    "gap": ["TverskyLoss"],
    "missed": ["TverskyLoss"],
    "islands": ["DiceLoss", "BettiMatchingLoss"],
    "breaks": ["DiceLoss", "BettiMatchingLoss"],
}


def block(top: int, bottom: int, left: int, right: int) -> NDArray[np.bool_]:
    found = np.zeros((96, 96), bool)
    found[top:bottom, left:right] = True
    return found


def predicted(make: Maker, guess: Maker) -> Profile:
    """A profile with the errors of a prediction of each label map; four images are no rule."""
    rows = [
        {**wrong(Pair(guess(index), make(index))).numbers(), "missed_small": 0.0}
        for index in range(4)
    ]
    return profile(make, images=4, errors={1: rows})


@pytest.mark.parametrize("kind", KINDS_BY_HAND)
def test_a_kind_of_error_dominates_and_gets_its_loss(kind: str) -> None:
    found = propose(predicted(*KINDS_BY_HAND[kind]))
    assert found.errors[0].dominating == (kind,)
    assert [term.loss for term in found.terms][1:] == PROPOSED[kind]
    assert "is not known to help here" not in found.verdict
    if kind == "rim":
        assert "what dominates the errors (rim)" in found.verdict
    else:
        assert not found.verdict
        (term,) = [term for term in found.terms if term.rule.startswith("errors")]
        assert term.why.startswith("predictions: ")
        assert kind in term.why


def test_known_numbers_see_what_predictions_miscount() -> None:
    """One loss that counts is enough, and says so."""
    found = propose(profile(ring, errors={1: [errors({"breaks": 1.0, "islands": 1.0})] * 12}))
    (term,) = found.terms[2:]
    assert term.loss == "TopologicalPriorLoss"
    assert term.why.endswith("; predictions: 1.0 breaks per image, 1.0 islands per image")


def test_breaks_of_trees_are_seen_by_a_prior() -> None:
    """One that is proposed gets one more reason; one of a plain line is added."""
    rows = {1: [errors({"breaks": 3.0})] * 12}
    for make, reason in ((tree, "structured"), (line, "errors: breaks")):
        found = propose(profile(make, errors=rows))
        assert [term.loss for term in found.terms[2:]] == ["SoftClDiceLoss", "TopologicalPriorLoss"]
        assert found.terms[-1].rule == reason
        assert found.terms[-1].why.endswith("predictions: 3.0 breaks per image")
        assert (found.terms[-1].loss_weight, found.terms[-1].options) == (0.01, {})


def test_a_prior_of_a_ring_does_not_count_a_line() -> None:
    def both(index: int) -> NDArray[np.integer]:
        return np.concatenate([ring(index), 2 * line(index)], axis=1)

    rows = {index: [errors({"breaks": 2.0})] * 12 for index in (1, 2)}
    first, _, last = propose(profile(both, 3, errors=rows)).terms[2:]
    assert first.loss == "SoftClDiceLoss"
    assert (last.loss, last.options) == ("TopologicalPriorLoss", {"classes": [2]})


def test_a_class_without_known_numbers_still_gets_matching() -> None:
    def both(index: int) -> NDArray[np.integer]:
        return np.concatenate([ring(index), 2 * organ(index)], axis=1)

    rows = {index: [errors({"islands": 2.0})] * 12 for index in (1, 2)}
    prior, matching = propose(profile(both, 3, errors=rows)).terms[2:]
    assert (prior.loss, prior.options["classes"]) == ("TopologicalPriorLoss", [1])
    assert (matching.loss, matching.options["classes"]) == ("BettiMatchingLoss", [2])


def test_what_a_rule_has_put_in_place_of_dice_gets_one_more_reason() -> None:
    found = propose(profile(lesion, errors={1: [errors({"missed": 1.0, "miss": 9.0})] * 12}))
    (term,) = [term for term in found.terms if term.loss == "TverskyLoss"]
    assert term.rule == "rare"
    assert "components of" in term.why
    assert term.why.endswith("; predictions: 1.0 missed per image")


def test_gaps_of_lines_are_seen_along_them() -> None:
    rows = {1: [errors({"gap": 9.0})] * 12}
    terms = propose(profile(line, errors=rows)).terms
    assert [term.loss for term in terms[1:]] == ["DiceLoss", "SoftClDiceLoss"]
    assert terms[2].options == {"iterations": 3}
    assert "gap" in terms[2].why

    def two(index: int) -> NDArray[np.integer]:
        return np.maximum(line(index), np.roll(line(index), 30, axis=0))

    # lines of known numbers too, with the erosions that their width asks for
    terms = propose(profile(two, errors=rows)).terms
    assert [term.loss for term in terms[2:]] == ["TopologicalPriorLoss", "SoftClDiceLoss"]
    assert terms[3].options == {"iterations": 3}


def test_length_that_skeleton_recall_sees_needs_no_cldice() -> None:
    def tube(index: int) -> NDArray[np.uint8]:
        labels = np.zeros((8, 16, 60), np.uint8)
        labels[3:6, 4 + index % 3 : 7 + index % 3, 2:58] = 1
        return labels

    rows = {1: [errors({"gap": 9.0})] * 12}
    found = profile(tube, errors=rows)
    assert propose(found).errors[0].dominating == ("gap",)
    assert losses(found)[2:] == ["SkeletonRecallLoss"]


def test_islands_of_noisy_labels_get_no_loss_that_counts_them() -> None:
    """Rules that refuse to count noise are not overruled by predictions."""
    rows = {1: [errors({"islands": 9.0, "island": 9.0})] * 12}
    found = propose(profile(specks, errors=rows))
    assert "errors: no loss is proposed against islands" in as_text(
        profile(specks, errors=rows), found, configs=False
    )
    assert found.errors[0].dominating == ("islands",)
    assert "BettiMatchingLoss" not in [term.loss for term in found.terms]
    (said,) = [note for note in found.notes if note.startswith("errors")]
    assert "94% of the components and holes" in said
    assert "islands" in said
    # nor does a loss for what is missed, where single pixels are
    rows = {1: [errors({"missed": 16.0, "islands": 9.0, "island": 9.0})] * 12}
    found = propose(profile(specks, errors=rows))
    assert [term.loss for term in found.terms] == ["CrossEntropyLoss", "DiceLoss"]
    (said,) = [note for note in found.notes if note.startswith("errors")]
    assert "missed, islands" in said
    # what is not noise is counted
    assert "BettiMatchingLoss" in losses(profile(organ, errors=rows))
