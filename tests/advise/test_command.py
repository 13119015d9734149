"""`seglosses advise` from folders to text, JSON and page; what it prints runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from seglosses.advise import Source, propose, survey
from seglosses.advise.printing import mmseg, nnunet
from seglosses.advise.printing import torch as plain
from seglosses.advise.proposal import Proposal
from seglosses.cli import main
from seglosses.evaluate.choosing import Wishes
from seglosses.evaluate.labels import Reading

ROOT = Path(__file__).parents[2]


def net(index: int) -> NDArray[np.uint8]:
    labels = np.zeros((64, 80), np.uint8)
    for at in range(6 + index % 3, 60, 14):
        labels[at : at + 3] = 1
        labels[:, at : at + 3] = 1
    return labels


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    labels, preds, images = (tmp_path / name for name in ("labels", "preds", "images"))
    for folder in (labels, preds, images):
        folder.mkdir()
    for index in range(6):
        true = net(index)
        pred = true.copy()
        pred[:, 30 + index % 4 : 34 + index % 4] = 0
        photo = (100 * true + np.arange(80)[None]).astype(np.uint8)
        for folder, pixels in ((labels, 255 * true), (preds, 255 * pred), (images, photo)):
            Image.fromarray(pixels).save(folder / f"{index:02d}.png")
    return labels, preds, images


def proposal_of(folder: Path, **options: object) -> Proposal:
    return propose(survey(Source(folder, **options))[0])  # type: ignore[arg-type]


def test_text_names_losses_reasons_errors_and_what_was_rejected(
    folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    labels, preds, images = map(str, folders)
    out = tmp_path / "out"
    words = ["advise", labels, "--pred", preds, "--images", images, "--out", str(out)]
    assert main(words) == 0
    shown = capsys.readouterr().out
    for text in ("0.5 SoftClDiceLoss", "0.02 BettiMatchingLoss", "breaks", "> breaks:",
                 "Considered and rejected", "TopologicalPriorLoss", "limits:", "loss_decode = [",
                 "def loss_of", "SEGLOSSES_LOSSES"):  # fmt: skip
        assert text in shown
    # a loss that one rule proposes and another does not is no contradiction: the rules are named
    assert "- crowded (BettiMatchingLoss, late;" in shown
    assert "- none:" not in shown
    page = (out / "advice.html").read_text("utf-8")
    assert page.count("<figure") == 3
    assert page.count("<svg") == 5
    assert "NaN" not in page[page.index("<body>") : page.index("<script>")]
    known = json.loads((out / "advice.json").read_text("utf-8"))
    assert known["label_maps"] == 6
    assert "seglosses.BettiMatchingLoss" in (out / "advised.py").read_text("utf-8")
    assert known["errors"][0]["dominating"][0] == "breaks"
    assert [one["loss"] for one in known["losses"]][-1] == "BettiMatchingLoss"


def test_json_alone_is_json(
    folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["advise", str(folders[0]), "--json", "--quiet"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert known["classes"]["foreground"]["width_50"] == pytest.approx(3, abs=1)


def test_no_loop_is_null_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Infinity is no JSON."""
    for index in range(6):
        labels = np.zeros((40, 90), np.uint8)
        labels[10 + index : 13 + index, 3:87] = 1
        Image.fromarray(labels).save(tmp_path / f"{index}.png")
    assert main(["advise", str(tmp_path), "--json", "--quiet"]) == 0

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    known = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert known["classes"]["foreground"]["widths_a_loop"] is None


def test_the_printed_losses_train_in_a_plain_loop(folders: tuple[Path, Path, Path]) -> None:
    scope: dict[str, object] = {}
    exec(plain(proposal_of(folders[0])), scope)
    loss_of = scope["loss_of"]
    assert callable(loss_of)
    labels = torch.from_numpy(np.stack([net(0), net(1)])).long()
    logits = torch.zeros(2, 2, 64, 80, requires_grad=True)
    early, late = (loss_of(logits, labels, step, 100) for step in (0, 99))
    late.backward()
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())
    assert float(late.detach()) > float(early.detach())  # Betti matching has joined


def test_the_printed_losses_build_in_mmseg(folders: tuple[Path, Path, Path]) -> None:
    pytest.importorskip("mmengine")
    from mmengine.config import Config

    from seglosses.registry import MODELS

    text = mmseg(proposal_of(folders[0]))
    config = Config.fromstring(text, file_format=".py")
    losses = [MODELS.build(one) for one in config.loss_decode]
    assert [type(one).__name__ for one in losses][-1] == "BettiMatchingLoss"
    assert losses[-1].weight_schedule.start == 0.5
    assert config.custom_hooks[0].type == "seglosses.LossWeightSchedule"


def test_the_printed_variable_of_nnunet_builds_its_losses(
    folders: tuple[Path, Path, Path],
) -> None:
    from seglosses.hosts.nnunet.spec import Task, build_losses, read_losses

    text = nnunet(proposal_of(folders[0]))
    listed = read_losses(text[text.index("'") + 1 : text.rindex("'")])
    assert [one["type"] for one in listed] == ["nnUNet", "SoftClDiceLoss", "BettiMatchingLoss"]
    built = build_losses(listed, Task(heads=2, dims=2))
    assert built[-1].weight_schedule is not None
    assert built[-1].weight_schedule.value == 0.02


@pytest.mark.slow
def test_the_printed_losses_train_in_mmseg(
    folders: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    pytest.importorskip("mmseg")
    from seglosses.datasets.write import BrickSet, write_dataset

    mixin, data = tmp_path / "advised.py", tmp_path / "bricks"
    mixin.write_text(mmseg(proposal_of(folders[0])), "utf-8")
    write_dataset(data, BrickSet(size=(128, 128), train=4, val=1, test=1))
    words = ["tools/train.py", "configs/bricks/unet_128.py", "--loss", str(mixin), "--data",
             str(data), "--iters", "4", "--work-dir", str(tmp_path / "work")]  # fmt: skip
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "decode.loss_betti_matching" in done.stdout + done.stderr
    assert (tmp_path / "work" / "iter_4.pth").is_file()


@pytest.mark.parametrize("kind", ["npy", "nii.gz"])
def test_volumes_of_several_classes_are_read(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    for index in range(3):
        volume = np.zeros((8, 24, 24), np.uint8)
        volume[2:5, 9:12, 2:22] = 1
        volume[2:7, 15 + index : 20 + index, 4:9] = 2
        path = folder / f"{index}.{kind}"
        if kind == "npy":
            np.save(path, volume)
        else:
            nibabel = pytest.importorskip("nibabel")
            nibabel.save(nibabel.Nifti1Image(volume, np.diag([3.0, 1.0, 1.0, 1.0])), path)
    profile, _, _ = survey(Source(folder, wishes=Wishes(Reading(num_classes=3))))
    assert profile.ndim == 3
    assert [one.median("components") for one in profile.classes] == [1, 1]
    if kind != "npy":
        assert profile.anisotropy == 3.0
    losses = [term.loss for term in propose(profile).terms]
    assert "SkeletonRecallLoss" in losses
    assert "SoftClDiceLoss" not in losses


def test_the_page_of_volumes_shows_cavities(tmp_path: Path) -> None:
    """They were counted in no chart and no caption."""
    folder = tmp_path / "labels"
    folder.mkdir()
    for index in range(2):
        volume = np.zeros((9, 24, 24), np.uint8)
        volume[1:8, 4:20, 4:20] = 1
        volume[3:5, 6:8, 6:8] = volume[3:5, 12:14, 12 : 14 + index] = 0
        np.save(folder / f"{index}.npy", volume)
    assert main(["advise", str(folder), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    page = (tmp_path / "out" / "advice.html").read_text("utf-8")
    assert page.count("1 component, 0 loops and 2 cavities</figcaption>") == 2
    assert page.count("cavities per image</b>") == 1
    assert page.count("<svg") == 6


def test_a_file_that_cannot_be_read_is_named_and_the_rest_measured(
    folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (folders[0] / "03.png").write_bytes(b"no picture")
    assert main(["advise", str(folders[0]), "--quiet"]) == 1
    shown = capsys.readouterr().out
    assert "5 of 6 label maps" in shown
    assert "left out: 03" in shown


def test_at_most_so_many_are_measured_evenly(folders: tuple[Path, Path, Path]) -> None:
    profile, measured, _ = survey(Source(folders[0], limit=3))
    assert (profile.images, profile.found) == (3, 6)
    assert [files.name for files in measured] == ["00", "02", "05"]
    with pytest.raises(ValueError, match="limit"):
        survey(Source(folders[0], limit=0))


def test_a_second_annotator_is_compared(folders: tuple[Path, Path, Path]) -> None:
    labels, preds, _ = folders
    profile, _, _ = survey(Source(labels, second=preds))
    assert profile.annotators is not None
    assert profile.annotators.images == 6
    assert 0.5 < profile.annotators.dice < 1


def test_predictions_without_a_partner_are_refused(
    folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (folders[1] / "05.png").unlink()
    words = [str(folders[0]), "--pred", str(folders[1])]
    assert main(["advise", *words]) == 2
    refusal = capsys.readouterr().err
    assert "05" in refusal
    assert "--keep-going" in refusal
    assert main(["advise", *words, "--keep-going", "--quiet"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("5 label maps")
    assert "left out: 05: no prediction" in shown


def test_unlabelled_folders_get_the_baseline_and_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for index in range(2):
        Image.fromarray(np.zeros((9, 5), np.uint8)).save(tmp_path / f"{index}.png")
    assert main(["advise", str(tmp_path), "--quiet"]) == 0
    shown = capsys.readouterr().out
    assert "in no image" in shown
    assert "SoftClDice" not in shown.split("Considered")[0]


def test_a_second_annotator_of_other_sizes_is_named_and_the_rest_compared(
    folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    labels, preds, _ = folders
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(preds / "02.png")
    assert main(["advise", str(labels), "--second", str(preds), "--quiet"]) == 1
    shown = capsys.readouterr().out
    assert "two annotators: median Dice 0.9" in shown
    assert "of 5 images" in shown
    assert "left out: 02, second annotator: unequal sizes" in shown


def test_annotators_who_name_classes_differently_do_not_agree(tmp_path: Path) -> None:
    for folder, values in (("one", (1, 2)), ("two", (2, 1))):
        (tmp_path / folder).mkdir()
        for index in range(3):
            labels = np.zeros((20, 20), np.uint8)
            labels[2:8, 2:8], labels[12:18, 2:8] = values
            Image.fromarray(labels).save(tmp_path / folder / f"{index}.png")
    wishes = Wishes(Reading(num_classes=3))
    profile, _, _ = survey(Source(tmp_path / "one", second=tmp_path / "two", wishes=wishes))
    assert profile.annotators is not None
    assert profile.annotators.dice == 0


def test_folders_of_nnunet_need_no_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = tmp_path / "Dataset001_Thin" / "labelsTr"
    labels.mkdir(parents=True)
    for index in range(3):
        volume = np.zeros((8, 24, 24), np.uint8)
        volume[2:5, 9:12, 2:22], volume[2:7, 15:20, 4:9] = 1, 2
        np.save(labels / f"thin_{index:03d}.npy", volume)
    said = {"labels": {"background": 0, "vessel": 1, "organ": 2}}
    given = labels.parent / "dataset.json"
    given.write_text(json.dumps(said), "utf-8")
    assert main(["advise", str(labels), "--quiet"]) == 0
    shown = capsys.readouterr().out
    assert "3 label maps, 8 x 24 x 24, 3 classes" in shown
    assert "\nvessel\n" in shown
    # labels of which regions are made are measured, and that is said
    said["labels"] = {"background": 0, "all": [1, 2], "core": 2}  # type: ignore[dict-item]
    given.rename(tmp_path / "dataset.json").write_text(json.dumps(said), "utf-8")
    words = ["advise", str(labels), "--quiet", "--dataset-json", str(tmp_path / "dataset.json")]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "\ncore\n" in shown
    assert "Regions of dataset.json (all, core) overlap" in shown
    assert main([*words, "--num-classes", "3"]) == 2


def test_the_first_problem_is_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for index in range(3):
        Image.fromarray(np.full((4, 4, 3), [9, 0, index], np.uint8)).save(tmp_path / f"{index}.png")
    assert main(["advise", str(tmp_path), "--quiet"]) == 2
    assert "0.png" in capsys.readouterr().err


SETS: dict[str, tuple[str, ...]] = {
    "thin/vessels/labels": ("SoftClDiceLoss", "TopologicalPriorLoss"),
    "thin/membranes/labels": ("SoftClDiceLoss", "BettiMatchingLoss"),
    "thin/cracks/labels": ("SoftClDiceLoss", "TopologicalPriorLoss"),
    "topomortar/train/accurate": ("SoftClDiceLoss", "BettiMatchingLoss"),
    "betti_matching_examples/roads/labels": ("SoftClDiceLoss", "BettiMatchingLoss"),
}


@pytest.mark.parametrize("name", SETS)
def test_real_sets_of_thin_structures(name: str, shared_data: Path) -> None:
    proposal = proposal_of(shared_data / name, limit=8)
    assert tuple(term.loss for term in proposal.terms[2:]) == SETS[name]


def test_bricks_are_a_network(tmp_path: Path) -> None:
    from seglosses.datasets.write import BrickSet, write_dataset

    write_dataset(tmp_path, BrickSet(size=(128, 128), train=6, val=1, test=1))
    proposal = proposal_of(tmp_path / "train" / "accurate")
    assert [term.loss for term in proposal.terms[2:]] == ["SoftClDiceLoss", "BettiMatchingLoss"]


@pytest.mark.slow
@pytest.mark.parametrize("width", ["400", "1280"])
def test_the_page_in_a_browser(
    width: str,
    folders: tuple[Path, Path, Path],
    tmp_path: Path,
    browse: Callable[..., str],
) -> None:
    labels, preds, images = map(str, folders)
    out = tmp_path / "out"
    main(["advise", labels, "--pred", preds, "--images", images, "--out", str(out), "--quiet"])
    act = """
document.body.dataset.wide=document.documentElement.scrollWidth>innerWidth?"yes":"no";
document.body.dataset.broken=[...document.images].filter(i=>!i.naturalWidth).length;
document.querySelector("figure img").click();
"""
    dom = browse(out / "advice.html", act)
    assert 'data-wide="no"' in dom
    assert 'data-broken="0"' in dom
    assert "<dialog open" in dom
