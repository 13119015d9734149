"""What is read of a folder: ignored pixels, absent classes, spacings, sizes of what is missed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from seglosses.advise.profile import Files
from seglosses.advise.proposal import propose
from seglosses.advise.reading import closed, survey
from seglosses.advise.source import Source
from seglosses.advise.text import as_text
from seglosses.evaluate.choosing import Wishes
from seglosses.evaluate.labels import Reading
from seglosses.metrics.shapes import measure
from tests.advise.made import disc, empty, judged, profile, ring


def save(folder: Path, maps: list[NDArray[np.integer]]) -> Path:
    folder.mkdir()
    for index, labels in enumerate(maps):
        Image.fromarray(labels.astype(np.uint8)).save(folder / f"{index:02d}.png")
    return folder


def wishes(classes: int = 2, ignored: int | None = None) -> Wishes:
    return Wishes(Reading(num_classes=classes, ignore_index=ignored))


def discs(radius: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[:90, :90] - 45
    return (x**2 + y**2 <= radius**2).astype(np.uint8)


def test_ignored_pixels_within_a_class_are_no_holes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    maps = []
    for index in range(5):
        labels = discs(25 + index)
        places = np.argwhere(discs(20))
        for y, x in places[rng.choice(len(places), 12, replace=False)]:
            labels[y, x] = 255
        labels[2:5, 2:5] = 255  # and some within the background
        maps.append(labels)
    found, _, _ = survey(Source(save(tmp_path / "labels", maps), wishes=wishes(ignored=255)))
    (one,) = found.classes
    assert [(shape.components, shape.loops, shape.pinholes) for shape in one.shapes] == [
        (1, 0, 0)
    ] * 5
    assert one.width() > 30
    assert found.ignored == pytest.approx(21 / 8100, rel=0.05)
    assert not judged(found)["speckled"]


def test_ignored_pixels_of_no_class_stay_ignored(tmp_path: Path) -> None:
    """Outside of a field of view; and around a scribble, which is no hole of it."""
    view = np.where(discs(40), discs(6), 255)
    one, two = save(tmp_path / "view", [view] * 3), [np.full((90, 90), 255) for _ in range(3)]
    for labels in two:
        labels[40:43, 20:70] = 1
        labels[50:52, 20:70] = 0
    two[0][8:38, 8:38] = 1
    two[0][10:36, 10:36] = 255  # a ring around more than there is of the class
    found, _, _ = survey(Source(one, wishes=wishes(ignored=255)))
    assert found.classes[0].share == discs(6).sum() / discs(40).sum()
    assert found.ignored == pytest.approx(1 - discs(40).sum() / 8100)
    scribbled = survey(Source(save(tmp_path / "scribbles", two), wishes=wishes(ignored=255)))[0]
    assert [shape.pixels for shape in scribbled.classes[0].shapes] == [374, 150, 150]


@pytest.mark.parametrize("shape", [(7, 19), (19, 7), (5, 7, 9), (9, 5, 7)])
@pytest.mark.parametrize("turned", [False, True])
def test_ignored_pixels_are_closed_along_every_axis(shape: tuple[int, ...], turned: bool) -> None:
    """One inside, one on each border, one between two classes; in whichever order the axes are."""
    labels = np.ones(shape, np.int16)
    labels[(2,) * len(shape)] = -1
    for axis in range(len(shape) - 1):
        labels[tuple(0 if each == axis else 4 for each in range(len(shape)))] = -1
    labels[..., 0][(4,) * (len(shape) - 1)] = -1
    labels[..., -2:] = 2
    labels[(*(3,) * (len(shape) - 1), -2)] = -1
    wanted = labels.copy()
    wanted[(2,) * len(shape)] = 1
    if turned:
        labels, wanted = np.ascontiguousarray(labels.T), wanted.T
    np.testing.assert_array_equal(closed(labels, [1, 2]), wanted)
    assert closed(labels, [2]).min() == -1
    np.testing.assert_array_equal(closed(labels, [2]), labels)


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (1, 1)])
def test_ignored_pixels_of_one_row_touch_the_border(shape: tuple[int, int]) -> None:
    labels = np.ones(shape, np.int16)
    labels[shape[0] // 2, shape[1] // 2] = -1
    np.testing.assert_array_equal(closed(labels, [1]), labels)


def test_a_prediction_over_an_ignored_rim_has_neither_island_nor_bridge(tmp_path: Path) -> None:
    """The rim that VOC ignores: a disc that is predicted 4 px beyond it is too large, no more."""
    labels = discs(20)
    labels[(discs(23) - discs(20)) > 0] = 255
    maps, preds = [labels] * 5, [discs(27)] * 5
    source = Source(
        save(tmp_path / "labels", maps), pred=save(tmp_path / "pred", preds),
        wishes=wishes(ignored=255),
    )  # fmt: skip
    (row, *_) = survey(source)[0].errors[1]
    for kind in ("islands", "merged", "breaks", "island"):
        assert row[kind] == 0
    assert row["components"] == 1
    assert row["rim"] + row["leak"] == discs(27).sum() - discs(23).sum()


def test_the_missed_are_small_beside_those_of_the_whole_folder(tmp_path: Path) -> None:
    """One disc an image: none is below the median of its own image."""
    maps = [discs(radius) for radius in range(6, 18)]
    preds = [labels if index % 3 == 0 else 0 * labels for index, labels in enumerate(maps)]
    source = Source(
        save(tmp_path / "labels", maps), pred=save(tmp_path / "pred", preds), wishes=wishes()
    )
    found, _, _ = survey(source)
    # of radius 7, 8, 10, 11, 13, 14, 16 and 17 four lie below the median of 6 to 17
    (report,) = propose(found).errors
    assert (report.counts["missed"], report.missed_small) == (8 / 12, 0.5)


def test_images_without_the_class_leave_no_fixed_numbers() -> None:
    """Half of the images show two discs: a prior of two would invent them in the others."""

    def half(index: int) -> NDArray[np.uint8]:
        labels = empty()
        if index % 2:
            labels |= (disc(12, (30, 30)) | disc(12, (70, 70))).astype(np.uint8)
        return labels

    def priors(found: object) -> list[tuple[dict[str, object], str]]:
        terms = propose(found).terms  # type: ignore[arg-type]
        return [(one.options, one.why) for one in terms if one.loss == "TopologicalPriorLoss"]

    ((options, why),) = priors(profile(half, images=20))
    assert "betti" not in options
    assert "10 images that show it have the same Betti numbers; 50% lack it" in why
    ((options, why),) = priors(profile(lambda index: half(1), images=20))
    assert options["betti"] == [2, 0]


def test_pinholes_of_a_class_without_specks_are_seen() -> None:
    def second(index: int) -> NDArray[np.uint8]:
        labels = empty()
        labels[10:40, 10:40], labels[50:80, 10 : 80 + index % 3] = 1, 2
        labels[52:78:6, 12:70:9] = 0
        return labels

    found = profile(second, 3)
    assert judged(found)["speckled"]
    said = {one.rule.name: one.verdict.because for one in propose(found).considered}
    assert said["speckled"].startswith("c2: 0% of the components are single pixels, 35.0")


def test_a_pinhole_is_no_known_number() -> None:
    def pierced(index: int) -> NDArray[np.uint8]:
        labels = disc(20, (40 + index % 5, 40)).astype(np.uint8)
        labels[40, 40] = 0
        return labels

    found = propose(profile(pierced))
    assert "TopologicalPriorLoss" not in [term.loss for term in found.terms]
    said = {one.rule.name: one.verdict.because for one in found.considered}
    assert "what would be counted is noise" in said["known numbers"]


def test_thin_rings_get_no_smooth_boundaries() -> None:
    from seglosses.advise.profile import Annotators

    known = Annotators(images=12, dice=0.75, rim=0.8)
    (first, *_) = propose(profile(ring, annotators=known)).terms
    assert (first.loss, first.options) == ("CrossEntropyLoss", {})


def test_few_images_are_those_that_were_measured(tmp_path: Path) -> None:
    folder = save(tmp_path / "labels", [discs(20)] * 12)
    found, _, _ = survey(Source(folder, limit=3, wishes=wishes()))
    assert judged(found)["few images"]
    found, _, _ = survey(Source(folder, wishes=wishes()))
    assert not judged(found)["few images"]


def test_images_that_both_annotators_leave_empty_are_counted(tmp_path: Path) -> None:
    maps = [discs(20), 0 * discs(20), discs(22), 0 * discs(20)]
    one, two = save(tmp_path / "one", maps), save(tmp_path / "two", maps)
    found, _, _ = survey(Source(one, second=two, wishes=wishes()))
    assert found.annotators is not None
    assert (found.annotators.images, found.annotators.empty) == (2, 2)
    assert "empty under both: 2 more images" in as_text(found, propose(found))


def test_the_spacing_is_that_of_most_volumes_also_where_each_has_its_own(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    folder = tmp_path / "labels"
    folder.mkdir()
    for index in range(5):
        edge, thick = (0.7 + 0.01 * index, 5.0 + 0.1 * index) if index else (1.0, 1.0)
        volume = ndimage.binary_dilation(np.eye(12)[..., None] * np.ones(6) > 0).astype(np.uint8)
        affine = np.diag([edge, edge, thick, 1.0])
        nibabel.save(nibabel.Nifti1Image(volume, affine), folder / f"{index}.nii.gz")
    found, _, _ = survey(Source(folder, wishes=wishes()))
    assert isinstance(found.files, Files)
    assert found.files.spacing == pytest.approx((0.73, 0.73, 5.2), abs=1e-6)
    assert judged(found)["anisotropic"]


def test_measures_of_a_mask_that_touches_every_side() -> None:
    full = np.ones((40, 30), bool)
    assert 2 * float(np.max(measure(full, full.size).radii)) == pytest.approx(30, abs=2)
