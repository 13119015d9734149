"""What values, names and missing partners mean where label maps are measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from seglosses.advise import Source, propose, survey
from seglosses.advise.printing import configs, mmseg
from seglosses.advise.printing import torch as plain
from seglosses.advise.profile import Annotators, Profile
from seglosses.cli import main
from seglosses.evaluate.choosing import Wishes
from seglosses.evaluate.labels import Reading


def two_blobs(index: int, ignored: int, one: int = 1, two: int = 2) -> NDArray[np.uint8]:
    labels = np.zeros((48, 48), np.uint8)
    labels[8 + index : 22 + index, 8:22] = one
    labels[30:42, 20 + index : 34 + index] = two
    labels[:3] = ignored
    return labels


def write(folder: Path, maps: list[NDArray[np.integer]], suffix: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index, labels in enumerate(maps):
        Image.fromarray(labels).save(folder / f"{index}{suffix}.png")
    return folder


def profile_of(folder: Path, **said: object) -> Profile:
    second = said.pop("second", None)
    names = said.pop("class_names", None)
    wishes = Wishes(Reading(**said), class_names=names)  # type: ignore[arg-type]
    return survey(Source(folder, second=second, wishes=wishes))[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ignored", "said"),
    [
        (255, ["--num-classes", "3", "--ignore-index", "255"]),
        (254, ["--num-classes", "3", "--ignore-index", "254"]),
        (255, ["--labels-map", "0:0,1:1,2:2,255:ignore"]),
    ],
)
def test_labels_alone_may_have_pixels_that_are_ignored(
    ignored: int, said: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "labels", [two_blobs(index, ignored) for index in range(4)])
    words = ["advise", str(folder), *said]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert "6.2% of the pixels have no class" in shown
    assert ("ignore_index=254" in shown) == (ignored == 254)
    assert (tmp_path / "out" / "advice.html").read_text("utf-8").count("<figure") == 6


def test_what_is_ignored_is_no_class_that_must_be_counted(tmp_path: Path) -> None:
    """--ignore-index alone is enough for two classes."""
    maps = [two_blobs(index, 255, two=1) for index in range(3)]
    known = profile_of(write(tmp_path, maps), ignore_index=255)
    assert known.num_classes == 2
    assert known.ignored == pytest.approx(3 / 48)
    assert known.files.ignore_index == 255


def test_unknown_values_are_refused_with_options_that_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path, [two_blobs(index, 255) for index in range(3)])
    assert main(["advise", str(folder), "--num-classes", "3"]) == 2
    refusal = capsys.readouterr().err
    assert "unknown label values 255" in refusal
    assert "--labels-map" in refusal
    assert "--gt-labels-map" not in refusal


def test_pixels_that_either_annotator_ignores_do_not_count(tmp_path: Path) -> None:
    one = [two_blobs(index, 255) for index in range(3)]
    two = [labels.copy() for labels in one]
    for labels in two:
        labels[20:, :] = np.where(labels[20:, :] == 2, 255, labels[20:, :])
        labels[:3] = 1  # where the first ignores
    first, second = write(tmp_path / "one", one), write(tmp_path / "two", two)
    for alone, other in ((first, second), (second, first)):
        known = profile_of(alone, num_classes=3, ignore_index=255, second=other).annotators
        assert known is not None
        assert (known.images, known.dice) == (3, 1.0)


def test_annotators_may_write_masks_of_255_and_of_1(tmp_path: Path) -> None:
    one = [two_blobs(index, 0, two=1) for index in range(3)]
    first = write(tmp_path / "one", one)
    second = write(tmp_path / "two", [255 * labels for labels in one])
    for alone, other in ((first, second), (second, first)):
        known = profile_of(alone, second=other).annotators
        assert known is not None
        assert known.dice == 1.0


def test_images_of_one_annotator_are_named_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maps = [two_blobs(index, 0) for index in range(5)]
    first = write(tmp_path / "one", maps)
    second = write(tmp_path / "two", maps, "_seg")
    for gone in (first / "0.png", second / "3_seg.png", second / "4_seg.png"):
        gone.unlink()
    words = ["advise", str(first), "--num-classes", "3", "--second", str(second), "--quiet"]
    assert main(words) == 2
    refusal = capsys.readouterr().err
    assert "--second-suffix" not in refusal  # names do not pair up one to one
    assert main([*words, "--second-suffix", "_seg", "--out", str(tmp_path / "out")]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "two annotators: median Dice 1.000 of 2 images, 0% of the pixels in which" in shown
    assert "labelled by the first annotator only: 2 (3, 4)" in shown
    assert "labelled by the second annotator only: 1 (0)" in shown
    known = json.loads((tmp_path / "out" / "advice.json").read_text("utf-8"))
    assert known["annotators"]["only_first"] == ["3", "4"]
    assert known["taken_for_background"] == "0"
    page = (tmp_path / "out" / "advice.html").read_text("utf-8")
    assert "labelled by the second annotator only: 1 (0)" in page
    assert "class 0 counts as background" in page


def test_the_refusal_names_the_suffix_that_pairs_annotators(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maps = [two_blobs(index, 0) for index in range(3)]
    first = write(tmp_path / "one", maps)
    second = write(tmp_path / "two", maps, "_seg")
    words = ["advise", str(first), "--num-classes", "3", "--quiet"]
    assert main([*words, "--second", str(second)]) == 2
    assert "--second-suffix _seg pairs them" in capsys.readouterr().err
    assert main([*words, "--pred", str(second)]) == 2
    assert "--pred-suffix _seg pairs them" in capsys.readouterr().err
    assert main(["advise", str(second), "--num-classes", "3", "--pred", str(first)]) == 2
    assert " --suffix _seg pairs them" in capsys.readouterr().err.replace("(", " ")


def test_annotators_in_words() -> None:
    one = Annotators(1, 0.5, 0.25)
    assert one.described == [
        "two annotators: median Dice 0.500 of 1 image, 25% of the pixels in which they differ lie"
        " at both boundaries"
    ]


@pytest.mark.parametrize(
    ("names", "measured", "ground"),
    [
        (["road", "car", "sky"], ["road", "car", "sky"], ""),
        (["Background", "car", "sky"], ["car", "sky"], ""),
        (["unlabelled", "car", "sky"], ["car", "sky"], ""),
        (["void", "car", "other"], ["car", "other"], ""),
        (None, ["1", "2"], "0"),
    ],
)
def test_class_0_is_measured_where_its_name_says_that_it_is_a_class(
    names: list[str] | None, measured: list[str], ground: str, tmp_path: Path
) -> None:
    folder = write(tmp_path, [two_blobs(index, 0) for index in range(3)])
    known = profile_of(folder, num_classes=3, class_names=names)
    assert [one.name for one in known.classes] == measured
    assert known.ground == ground


def test_of_two_classes_the_first_is_background_and_that_is_said(tmp_path: Path) -> None:
    folder = write(tmp_path, [two_blobs(index, 0, two=1) for index in range(3)])
    known = profile_of(folder, class_names=["road", "crack"])
    assert [one.name for one in known.classes] == ["crack"]
    assert known.ground == "road"
    assert profile_of(folder).ground == ""


@pytest.mark.parametrize(
    ("one", "two", "said", "values", "ignored"),
    [
        (255, 255, {}, "0 is class 0, 255 is class 1", None),
        (1, 1, {}, "", None),
        (1, 2, {"num_classes": 3, "ignore_index": 200}, "", 200),
        (
            7,
            9,
            {"labels_map": {0: 0, 7: 1, 9: 2}},
            "0 is class 0, 7 is class 1, 9 is class 2",
            None,
        ),
        (
            1,
            7,
            {"labels_map": {0: 0, 1: 1, 7: -1, 8: -1}},
            "0 is class 0, 1 is class 1, 7 is ignored, 8 is ignored",
            None,
        ),
    ],
)
def test_what_losses_must_know_of_files(
    one: int, two: int, said: dict[str, object], values: str, ignored: int | None, tmp_path: Path
) -> None:
    folder = write(tmp_path, [two_blobs(index, 0, one, two) for index in range(3)])
    known = profile_of(folder, **said)
    assert (known.files.values, known.files.ignore_index) == (values, ignored)
    found = propose(known)
    assert any("convert" in note for note in found.notes) == bool(values)
    assert ("ignore_index=200" in plain(found)) == (ignored == 200)
    assert ("in place of 200" in mmseg(found)) == (ignored == 200)


def test_nifti_files_state_spacing_and_order(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    labels, preds = tmp_path / "labels", tmp_path / "preds"
    for folder, reach in ((labels, 14), (preds, 26)):
        folder.mkdir()
        for index in range(3):
            volume = np.zeros((32, 40, 8), np.uint8)
            volume[6 : 6 + reach, 8:24, 2:6] = 1
            image = nibabel.Nifti1Image(volume, np.diag([0.5, 0.5, 4.0, 1.0]))
            nibabel.save(image, folder / f"{index}.nii.gz")
    profile, _, _ = survey(Source(labels, pred=preds))
    assert profile.files.backwards
    assert profile.spacing == (0.5, 0.5, 4.0)
    flat, plain, nnunet = configs(propose(profile)).values()
    assert "LogHausdorffDTLoss(spacing=[0.5, 0.5, 4.0]" in plain
    assert '"spacing": [4.0, 0.5, 0.5]' in nnunet
    assert "LogHausdorffDTLoss" in flat
    assert "spacing" not in flat  # edges of a slice are alike
