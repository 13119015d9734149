"""Each rule of the table fires for labels made for it, and not for the nearest other ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from seglosses.advise.profile import Annotators, ClassProfile, Profile
from seglosses.advise.proposal import propose
from seglosses.advise.rules import RULES, Rule
from seglosses.advise.terms import Term
from seglosses.advise.text import as_text
from seglosses.metrics.error_kinds import KINDS, PIXELS
from seglosses.metrics.shapes import measure

Maker = Callable[[int], NDArray[np.integer]]


def profile(
    make: Maker,
    classes: int = 2,
    images: int = 12,
    spacing: tuple[float, ...] | None = None,
    **known: object,
) -> Profile:
    """The profile of made-up label maps."""
    maps = [np.asarray(make(index)) for index in range(images)]
    measured = []
    for index in range(1, classes):
        shapes = [measure(labels == index, labels.size) for labels in maps]
        measured.append(ClassProfile(index, f"c{index}", shapes))
    return Profile(
        ndim=maps[0].ndim,
        images=images,
        found=images,
        shape=maps[0].shape,
        spacing=spacing,
        ignored=0.0,
        classes=tuple(measured),
        num_classes=classes,
        **known,  # type: ignore[arg-type]
    )


def empty(size: int = 96) -> NDArray[np.uint8]:
    return np.zeros((size, size), np.uint8)


def net(index: int) -> NDArray[np.uint8]:
    """A grid of lines 3 px wide: one component, loops by number."""
    labels = empty()
    for at in range(8, 96, 16 + index % 3):
        labels[at : at + 3] = 1
        labels[:, at : at + 3] = 1
    return labels


def line(index: int) -> NDArray[np.uint8]:
    labels = empty()
    labels[20 + index : 23 + index, 4:92] = 1
    return labels


def disc(
    radius: float, centre: tuple[float, float] = (48, 48), size: int = 96
) -> NDArray[np.bool_]:
    y, x = np.indices((size, size))
    return np.asarray((y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2)


def organ(index: int) -> NDArray[np.uint8]:
    return disc(28 + index % 4).astype(np.uint8)


def ring(index: int) -> NDArray[np.uint8]:
    return (disc(30 + index % 4) & ~disc(20)).astype(np.uint8)


def cells(index: int, gap: int = 2) -> NDArray[np.uint8]:
    labels = empty()
    step = 10 + gap
    for y in range(2 + index % 3, 84, step):
        for x in range(2, 84, step):
            labels[y : y + 10, x : x + 10] = 1
    return labels


def lesion(index: int) -> NDArray[np.uint8]:
    return disc(3, (20 + index, 40)).astype(np.uint8)


def sometimes(index: int) -> NDArray[np.uint8]:
    return organ(index) if index % 4 == 0 else empty()


def specks(index: int) -> NDArray[np.uint8]:
    labels = organ(index)
    labels[2:14:3, 2:14:3] = 1
    return labels


def skewed(index: int) -> NDArray[np.uint8]:
    labels = organ(index)
    labels[2:5, 2:5] = 2
    return labels


def uneven(index: int) -> NDArray[np.uint8]:
    labels = empty(200)
    for at in range(10, 100, 6):
        labels[at : at + 2, 5:195] = 1
    labels[130:146, 5:195] = 1
    return labels


CASES: dict[str, tuple[Maker, int, Maker, int]] = {
    "thin": (line, 2, organ, 2),
    "structured": (net, 2, line, 2),
    "known numbers": (ring, 2, organ, 2),
    "crowded": (cells, 2, lambda index: cells(index, gap=14), 2),
    "rare": (lesion, 2, organ, 2),
    "absent": (sometimes, 2, organ, 2),
    "skewed": (skewed, 3, organ, 2),
    "speckled": (specks, 2, organ, 2),
    "uneven widths": (uneven, 2, line, 2),
    "large and smooth": (organ, 2, lesion, 2),
}


def judged(found: Profile) -> dict[str, bool]:
    return {one.rule.name: one.verdict.fires for one in propose(found).considered}


def losses(found: Profile) -> list[str]:
    return [term.loss for term in propose(found).terms]


def test_every_rule_has_a_case() -> None:
    others = {"doubtful boundaries", "few images", "anisotropic"}
    assert {rule.name for rule in RULES} == {*CASES, *others}


@pytest.mark.parametrize("name", CASES)
def test_a_rule_fires_for_its_labels_and_not_for_others(name: str) -> None:
    make, classes, other, others = CASES[name]
    assert judged(profile(make, classes))[name]
    assert not judged(profile(other, others))[name]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_states_its_source_its_limits_and_a_number(rule: Rule) -> None:
    assert rule.source
    assert rule.limits
    for make, classes in ((organ, 2), (skewed, 3), (net, 2)):
        said = rule.judge(profile(make, classes)).because
        assert any(letter.isdigit() for letter in said) or "no second annotator" in said


def test_annotators_who_differ_at_boundaries_get_smooth_ones() -> None:
    known = Annotators(images=12, dice=0.75, rim=0.8)
    terms = propose(profile(organ, annotators=known)).terms
    assert terms[0].options == {"boundary_smoothing": 0.5}
    # thin lines would be blurred, agreement needs nothing
    assert propose(profile(line, annotators=known)).terms[0].options == {}
    agreed = Annotators(images=12, dice=0.95, rim=0.8)
    assert propose(profile(organ, annotators=agreed)).terms[0].options == {}
    assert judged(profile(organ, annotators=known))["doubtful boundaries"]


def test_few_images_are_said() -> None:
    assert judged(profile(organ, images=3))["few images"]
    assert not judged(profile(organ))["few images"]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (organ, ["CrossEntropyLoss", "DiceLoss"]),
        (line, ["CrossEntropyLoss", "DiceLoss", "SoftClDiceLoss"]),
        (net, ["CrossEntropyLoss", "DiceLoss", "SoftClDiceLoss", "BettiMatchingLoss"]),
        (ring, ["CrossEntropyLoss", "DiceLoss", "TopologicalPriorLoss"]),
        (cells, ["CrossEntropyLoss", "DiceLoss", "BettiMatchingLoss"]),
        (lesion, ["CrossEntropyLoss", "TverskyLoss"]),
    ],
)
def test_proposals_are_those_of_the_field(make: Maker, expected: Sequence[str]) -> None:
    assert losses(profile(make)) == list(expected)


def test_thin_volumes_get_skeleton_recall_whose_cost_does_not_grow() -> None:
    def tube(index: int) -> NDArray[np.uint8]:
        labels = np.zeros((8, 16, 60), np.uint8)
        labels[3:6, 4 + index % 3 : 7 + index % 3, 2:58] = 1
        return labels

    found = propose(profile(tube)).terms
    assert [term.loss for term in found][-1] == "SkeletonRecallLoss"


def test_erosions_follow_the_width() -> None:
    def wide(index: int) -> NDArray[np.uint8]:
        labels = np.zeros((60, 400), np.uint8)
        labels[20:35, 2:398] = 1
        return labels

    by_loss = {term.loss: term for term in propose(profile(wide)).terms}
    assert by_loss["SoftClDiceLoss"].options == {"iterations": 8}
    by_loss = {term.loss: term for term in propose(profile(line)).terms}
    assert by_loss["SoftClDiceLoss"].options == {"iterations": 3}


def test_of_several_classes_a_loss_gets_those_it_is_for() -> None:
    def both(index: int) -> NDArray[np.uint8]:
        labels = net(index)
        labels[disc(20)] = 2
        return labels

    by_loss = {term.loss: term for term in propose(profile(both, 3)).terms}
    assert by_loss["SoftClDiceLoss"].options["classes"] == [1]
    assert by_loss["BettiMatchingLoss"].options["classes"] == [1]


def test_an_absent_class_is_pooled_over_the_batch() -> None:
    by_loss = {term.loss: term for term in propose(profile(sometimes)).terms}
    assert by_loss["DiceLoss"].options == {"average": "dataset"}


@pytest.mark.parametrize("fill", [0, 1])
def test_labels_of_one_value_propose_the_baseline(fill: int) -> None:
    found = profile(lambda index: np.full((32, 32), fill, np.uint8))
    assert losses(found)[0] == "CrossEntropyLoss"
    assert "BettiMatchingLoss" not in losses(found)


def test_noise_is_not_counted_as_structure() -> None:
    def random(index: int) -> NDArray[np.uint8]:
        return (np.random.default_rng(index).random((96, 96)) < 0.5).astype(np.uint8)

    found = propose(profile(random))
    assert "BettiMatchingLoss" not in [term.loss for term in found.terms]
    said = {one.rule.name: one.verdict.because for one in found.considered}
    assert "noise" in said["structured"]
    assert judged(profile(random))["speckled"]


def test_slices_far_apart_are_said() -> None:
    def block(index: int) -> NDArray[np.uint8]:
        labels = np.zeros((6, 20, 20), np.uint8)
        labels[1:5, 5:15, 5:15] = 1
        return labels

    assert judged(profile(block, spacing=(5.0, 1.0, 1.0)))["anisotropic"]
    assert not judged(profile(block, spacing=(2.0, 1.0, 1.0)))["anisotropic"]
    assert not judged(profile(block))["anisotropic"]
    assert not judged(profile(organ, spacing=(5.0, 1.0)))["anisotropic"]


@pytest.mark.parametrize(
    ("rows", "columns", "touching"),
    [
        (slice(0, 3), slice(4, 7), 1),  # above
        (slice(4, 7), slice(0, 3), 1),  # left
        (slice(9, 12), slice(4, 7), 1),  # below
        (slice(4, 7), slice(17, 20), 1),  # right
        (slice(8, 11), slice(16, 19), 0),  # one pixel short of both
        (slice(1, 4), slice(1, 4), 0),
    ],
)
def test_components_that_touch_a_border(rows: slice, columns: slice, touching: int) -> None:
    mask = np.zeros((12, 20), bool)
    mask[rows, columns] = True
    assert measure(mask, mask.size).at_border == touching


def test_a_speck_is_one_pixel() -> None:
    mask = np.zeros((9, 9), bool)
    mask[1, 1] = mask[4, 4] = mask[7, 1:3] = True
    found = measure(mask, mask.size)
    assert (found.components, found.specks) == (3, 2)


def test_single_pixels_of_noise_make_no_class_rare() -> None:
    def speckled(index: int) -> NDArray[np.uint8]:
        labels = cells(index, gap=14)
        labels[1:95:6, 1:95:6] |= 1
        return labels

    found = profile(speckled)
    assert judged(found)["speckled"]
    assert found.classes[0].size() == 1
    assert not judged(found)["rare"]


def test_a_long_class_of_known_numbers_is_said_to_be_one() -> None:
    """Not that 20 widths are fewer than the 5 that thin begins at."""

    def two(index: int) -> NDArray[np.uint8]:
        return np.maximum(line(index), np.roll(line(index), 30, axis=0))

    said = {one.rule.name: one.verdict.because for one in propose(profile(two)).rejected}
    assert "see known numbers" in said["thin"]
    assert "see known numbers" in said["structured"]
    assert said["uneven widths"] == "0 classes are thin"


def test_labels_without_a_foreground_say_so_and_nothing_else() -> None:
    found = propose(profile(lambda _: empty()))
    assert found.nothing
    assert "No label map shows" in found.verdict
    assert [term.options for term in found.terms] == [{}, {}]
    said = {one.rule.name: one.verdict.because for one in found.rejected}
    assert said["rare"] == said["absent"] == said["thin"]
    assert "0 images" in said["rare"]
    assert not propose(profile(organ)).nothing


def test_a_class_of_no_image_pools_nothing() -> None:
    """Batches in which it occurs cannot be taken."""
    found = propose(profile(organ, 3))
    assert not judged(profile(organ, 3))["absent"]
    assert found.terms[1].options == {}


def errors(kinds: dict[str, float]) -> dict[str, float]:
    return {**dict.fromkeys((*KINDS, *PIXELS, "missed_small"), 0.0), "rim": 1.0, **kinds}


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
    assert term.options["classes"] == list(range(1, 17))
    said = "predictions: c16: 16.0 islands per image, 9.0 pinholes per image; 15 more classes"
    assert term.why == said
    text = as_text(profile(several, 17, errors=rows), found, configs=False)
    assert "8 classes with fewer wrong pixels" in text
    assert "c16: 0 breaks" in text
    assert "c8: 0 breaks" not in text


@pytest.mark.parametrize("width", [60, 80, 200])
def test_text_keeps_to_the_terminal(width: int) -> None:
    found = profile(net, errors={1: [errors({"breaks": 3.0})] * 12})
    text = as_text(found, propose(found), configs=False, width=width)
    assert max(map(len, text.splitlines())) <= min(width, 100)


def test_costs_of_volumes_are_said_to_be_those_of_images() -> None:
    term = Term("BettiMatchingLoss", 0.02)
    assert "not on volumes" in term.cost(3)
    assert "volumes" not in term.cost()


def test_label_maps_of_several_sizes_are_said() -> None:
    assert replace(profile(organ), other_shapes=3).described == (
        "12 label maps, 96 x 96 and 3 of other sizes, 2 classes"
    )
    assert profile(organ, images=1).described == "1 label map, 96 x 96, 2 classes"


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
    assert "94% of the components and loops" in said
    assert "islands" in said
    # nor does a loss for what is missed, where single pixels are
    rows = {1: [errors({"missed": 16.0, "islands": 9.0, "island": 9.0})] * 12}
    found = propose(profile(specks, errors=rows))
    assert [term.loss for term in found.terms] == ["CrossEntropyLoss", "DiceLoss"]
    (said,) = [note for note in found.notes if note.startswith("errors")]
    assert "missed, islands" in said
    # what is not noise is counted
    assert "BettiMatchingLoss" in losses(profile(organ, errors=rows))


def test_crowds_of_single_pixels_are_not_counted() -> None:
    def crowd(index: int) -> NDArray[np.uint8]:
        labels = cells(index, gap=14)
        labels[1:95:6, 1:95:6] |= 1
        return labels

    found = propose(profile(crowd))
    said = {one.rule.name: one.verdict for one in found.considered}["crowded"]
    assert not said.fires
    assert "what would be counted is noise" in said.because
    assert "BettiMatchingLoss" not in [term.loss for term in found.terms]


def pierced(index: int) -> NDArray[np.uint8]:
    """A grid of lines 5 px wide with holes of one pixel along their middle."""
    labels = empty()
    for at in range(8, 90, 24 + index % 3):
        labels[at : at + 5] = 1
        labels[:, at : at + 5] = 1
    for at in range(8, 90, 24 + index % 3):
        labels[at + 2, 1:95:4] = 0
    return labels


@pytest.mark.parametrize("known", [{}, {"breaks": 9.0}])
def test_a_noisy_class_does_not_speak_for_a_clean_one(known: dict[str, float]) -> None:
    def both(index: int) -> NDArray[np.uint8]:
        return np.concatenate([net(index), 2 * pierced(index)], axis=1)

    rows = {index: [errors(known)] * 12 for index in (1, 2)} if known else {}
    assert (
        "noise"
        in {one.rule.name: one.verdict.because for one in propose(profile(pierced)).considered}[
            "structured"
        ]
    )
    (late,) = [
        term
        for term in propose(profile(both, 3, errors=rows)).terms
        if term.loss == "BettiMatchingLoss"
    ]
    assert late.options["classes"] == [1]
