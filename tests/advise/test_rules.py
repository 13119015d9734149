"""Each rule of the table fires for labels made for it, and not for the nearest other ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.morphology import dilation, footprint_rectangle, skeletonize

from seglosses.advise.profile import Annotators, Files
from seglosses.advise.proposal import propose
from seglosses.advise.rules import RULES, Rule
from seglosses.advise.text import as_text
from seglosses.metrics.shapes import measure
from tests.advise.made import (
    Maker,
    cells,
    disc,
    empty,
    errors,
    judged,
    ladder,
    lesion,
    line,
    losses,
    net,
    organ,
    profile,
    ring,
    skewed,
    sometimes,
    specks,
    tree,
    uneven,
)

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
        (tree, ["CrossEntropyLoss", "DiceLoss", "SoftClDiceLoss", "TopologicalPriorLoss"]),
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


def test_trees_get_a_prior_and_networks_betti_matching() -> None:
    """Of as many components and loops; what differs is the length of the lines between them."""

    def near(index: int) -> NDArray[np.uint8]:
        return ladder(index, apart=60)

    (far,), (close,) = (profile(make).classes for make in (ladder, near))
    assert far.betti == close.betti
    # rails of 600 and 240 px, rungs of 11: 1255 and 535 px, 3 px wide, for four loops
    assert far.widths_a_loop == pytest.approx(1255 / 12, rel=0.02)
    assert close.widths_a_loop == pytest.approx(535 / 12, rel=0.02)
    prior, matching = (propose(profile(make)).terms[-1] for make in (ladder, near))
    assert (prior.loss, prior.loss_weight, prior.options) == ("TopologicalPriorLoss", 0.01, {})
    assert prior.why.endswith(
        "loops per image; over all images 104 widths of centre line for each loop"
    )
    assert matching.loss == "BettiMatchingLoss"
    assert propose(profile(tree)).terms[-1].why == "2 components and 0 loops per image"


@pytest.mark.parametrize("width", [1, 3, 5])
def test_networks_are_networks_however_thinly_they_are_drawn(width: int) -> None:
    def drawn(index: int) -> NDArray[np.uint8]:
        lines = skeletonize(ladder(index, apart=60) > 0)
        return dilation(lines, footprint_rectangle((width, width))).astype(np.uint8)

    (one,) = profile(drawn).classes
    assert one.width() == width
    assert losses(profile(drawn))[-1] == "BettiMatchingLoss"


def test_pinholes_are_no_loops_of_a_tree() -> None:
    def pierced(index: int) -> NDArray[np.uint8]:
        labels = tree(index)
        labels[47, 40 + index] = 0
        return labels

    (one,) = profile(pierced).classes
    assert one.median("loops") == 1
    assert one.widths_a_loop == np.inf


@pytest.mark.parametrize("make", [tree, ladder, net])
def test_a_picture_turned_gets_the_same(make: Maker) -> None:
    plain, turned = (
        propose(profile(each)) for each in (make, lambda index: np.ascontiguousarray(make(index).T))
    )
    assert [(term.loss, term.options) for term in plain.terms] == [
        (term.loss, term.options) for term in turned.terms
    ]


def test_weights_of_what_counts_are_explained() -> None:
    """The one that is proposed, not the other."""
    for make, named, other in (
        (tree, "topological prior", "Betti matching is"),
        (net, "Betti matching is", "topological prior"),
    ):
        notes = " ".join(propose(profile(make)).notes)
        assert named in notes
        assert other not in notes
        assert "Betti errors alone mislead" in notes


def test_a_tree_beside_a_network() -> None:
    def both(index: int) -> NDArray[np.integer]:
        return np.concatenate([net(index), 2 * tree(index), 3 * ring(index)], axis=1)

    terms = propose(profile(both, 4)).terms[3:]
    assert [(term.loss, term.options, term.start) for term in terms] == [
        ("TopologicalPriorLoss", {"classes": [2]}, 0.0),
        ("BettiMatchingLoss", {"classes": [1]}, 0.5),
        ("TopologicalPriorLoss", {"betti": [1, 1], "classes": [3]}, 0.5),
    ]
    assert terms[0].why.startswith("c2: 2 components")
    assert terms[1].why.startswith("c1: 1 component and 25 loops")


def test_trees_of_volumes_keep_betti_matching() -> None:
    def deep(index: int) -> NDArray[np.integer]:
        return np.pad(np.stack([tree(index)] * 3), ((2, 2), (0, 0), (0, 0)))

    assert losses(profile(deep))[-1] == "BettiMatchingLoss"


def test_an_absent_class_is_pooled_over_the_batch() -> None:
    by_loss = {term.loss: term for term in propose(profile(sometimes)).terms}
    assert by_loss["DiceLoss"].options == {"average": "dataset"}


@pytest.mark.parametrize("fill", [0, 1])
def test_labels_of_one_value_propose_the_baseline(fill: int) -> None:
    found = profile(lambda index: np.full((32, 32), fill, np.uint8))
    assert losses(found)[0] == "CrossEntropyLoss"
    assert "BettiMatchingLoss" not in losses(found)


def test_every_class_of_known_numbers_gets_its_own() -> None:
    def three(index: int) -> NDArray[np.integer]:
        two = np.maximum(line(index), np.roll(line(index), 30, axis=0))
        return np.concatenate([ring(index), 2 * two, 3 * ring(index)], axis=1)

    found = propose(profile(three, 4))
    terms = [term for term in found.terms if term.loss == "TopologicalPriorLoss"]
    assert [term.options for term in terms] == [
        {"betti": [1, 1], "classes": [1, 3]},
        {"betti": [2, 0], "classes": [2]},
    ]
    assert terms[1].why.startswith("c2: at least 95 % of 12 images")
    # all but class 0 need no list
    rings = profile(lambda index: np.concatenate([ring(index), 2 * ring(index)]), 3)
    (term,) = propose(rings).terms[2:]
    assert term.options == {"betti": [1, 1]}


def test_numbers_of_a_class_are_not_those_of_another() -> None:
    """One that half of the images lack has the numbers of each label, a ring those of a ring."""

    def both(index: int) -> NDArray[np.integer]:
        discs = (disc(12, (30, 30)) | disc(12, (70, 70))) & bool(index % 2)
        return np.concatenate([1 * discs, 2 * ring(index)], axis=1)

    terms = [
        term.options
        for term in propose(profile(both, 3)).terms
        if term.loss == "TopologicalPriorLoss"
    ]
    assert terms == [{"classes": [1]}, {"betti": [1, 1], "classes": [2]}]


def test_a_loss_for_the_class_that_was_asked_for_names_it() -> None:
    """A network has the other classes too."""
    asked = replace(profile(net), num_classes=3)
    by_loss = {term.loss: term for term in propose(asked).terms}
    assert by_loss["SoftClDiceLoss"].options["classes"] == [1]
    assert by_loss["BettiMatchingLoss"].options["classes"] == [1]
    broken = {1: [errors({"breaks": 3.0})] * 12}
    (late,) = propose(replace(profile(organ, errors=broken), num_classes=3)).terms[2:]
    assert late.options["classes"] == [1]


def test_values_to_convert_and_class_0_are_said() -> None:
    masks = replace(profile(organ), files=Files(values="0 is class 0, 255 is class 1"))
    (said,) = [note for note in propose(masks).notes if "255 is class 1" in note]
    assert "convert" in said
    assert "ignore the value 255" in said
    numbered = replace(profile(organ), ground="0")
    assert "class 0 counts as background" in as_text(numbered, propose(numbered))
    called = replace(profile(organ), ground="road")
    assert "class 0 (road) counts as background" in as_text(called, propose(called))


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


def test_a_long_class_of_known_numbers_is_said_to_be_one() -> None:
    """Not that 20 widths are fewer than the 5 that thin begins at."""

    def two(index: int) -> NDArray[np.uint8]:
        return np.maximum(line(index), np.roll(line(index), 30, axis=0))

    said = {one.rule.name: one.verdict.because for one in propose(profile(two)).rejected}
    assert "see known numbers" in said["thin"]
    assert "see known numbers" in said["structured"]
    assert said["uneven widths"] == "0 classes are thin"


def test_numbers_of_features_are_said_as_one_says_them() -> None:
    """One component, not 1 components; cavities where there are some."""

    def bubbled(index: int) -> NDArray[np.uint8]:
        """A bar with one, two or three cavities of two voxels."""
        labels = np.zeros((9, 9, 96), np.uint8)
        labels[3:6, 3:6, 4:92] = 1
        for at in range(10, 10 + 20 * (1 + index % 3), 20):
            labels[4, 4, at : at + 2] = 0
        return labels

    def said(make: Maker) -> str:
        (verdict,) = (
            rule.judge(profile(make)).because for rule in RULES if rule.name == "structured"
        )
        return verdict

    # grids with 6, 6 and 5 lines each way
    far = "over all images 16 widths of centre line for each loop"
    assert said(net) == f"1 component and 25 loops per image; {far}"
    assert said(bubbled) == "1 component, 0 loops and 2 cavities per image"


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


@pytest.mark.parametrize("width", [60, 80, 200])
def test_text_keeps_to_the_terminal(width: int) -> None:
    found = profile(net, errors={1: [errors({"breaks": 3.0})] * 12})
    text = as_text(found, propose(found), configs=False, width=width)
    assert max(map(len, text.splitlines())) <= min(width, 100)


def test_label_maps_of_several_sizes_are_said() -> None:
    assert replace(profile(organ), other_shapes=3).described == (
        "12 label maps, 96 x 96 and 3 of other sizes, 2 classes"
    )
    assert profile(organ, images=1).described == "1 label map, 96 x 96, 2 classes"
