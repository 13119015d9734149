"""Charts and pictures of the reports: what they show, as files, and in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses.cli import main
from seglosses.evaluate import Options, evaluate
from seglosses.evaluate.detections import evaluate_coco
from seglosses.evaluate.figures import distribution, reliability_diagrams

LONG = "a_very_long_name_of_a_class_that_no_phone_has_room_for"


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Three images of three classes, with probabilities."""
    rng = np.random.default_rng(0)
    for name in ("001", "002", "a folder of its own/with a long name_" + "9" * 40):
        target = np.kron(rng.integers(0, 3, (4, 5)), np.ones((8, 8), int))
        prob = rng.dirichlet(np.ones(3), target.shape).transpose(2, 0, 1) * 0.5
        np.put_along_axis(prob, target[None], np.take_along_axis(prob, target[None], 0) + 0.5, 0)
        for folder, values in (("gt", target), ("pred", prob.argmax(0)), ("prob", prob)):
            path = tmp_path / folder / f"{name}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, values.astype(np.float32 if folder == "prob" else np.uint8))
    return tmp_path


def words(scene: Path) -> list[str]:
    found = [str(scene / "pred"), str(scene / "gt"), "--probabilities", str(scene / "prob")]
    return [*found, "--class-names", f"sky,{LONG},car", "--num-classes", "3"]


def test_a_reliability_diagram_is_that_of_the_pixels(scene: Path) -> None:
    found = evaluate(
        scene / "pred", scene / "gt", probabilities=scene / "prob", num_classes=3,
        metrics=["ece"], options=Options(bins=4),
    )  # fmt: skip
    (figure,) = reliability_diagrams(found)
    names = [path.relative_to(scene / "gt") for path in (scene / "gt").rglob("*.npy")]
    prob = np.concatenate([np.load(scene / "prob" / name)[2].ravel() for name in names])
    true = np.concatenate([np.load(scene / "gt" / name).ravel() == 2 for name in names])
    for low in (0.0, 0.25, 0.5, 0.75):
        inside = (prob > low) & (prob <= low + 0.25)
        if inside.any():
            across, up = prob[inside].mean(), true[inside].mean()
            text = f"2, {inside.sum()} pixels: probability {across:.3g}, share {up:.3g}"
            assert text in figure.svg
    assert "stroke-dasharray" in figure.svg  # the diagonal
    assert "n = 3 images" in figure.numbers


def test_without_probabilities_there_is_no_diagram(scene: Path) -> None:
    found = evaluate(scene / "pred", scene / "gt", num_classes=3, metrics=["dice"])
    assert reliability_diagrams(found) == []
    assert "n = 3 images" in distribution(found, found.columns[0]).whole


def test_figures_of_an_evaluation_are_files_with_captions(scene: Path) -> None:
    out = scene / "out"
    options = ["--metrics", "dice,calibration", "--worst", "2", "--figures", "svg,pdf", "--quiet"]
    assert main(["evaluate", *words(scene), "--out", str(out), *options]) == 0
    names = {path.name for path in (out / "figures").iterdir()}
    assert {"dice.pdf", "dice.svg", "reliability-ece.pdf", "captions.md", "figures.tex"} <= names
    assert len([name for name in names if name.startswith("errors-")]) == 4
    assert len([name for name in names if name.startswith("topology-")]) == 4
    latex = (out / "figures" / "figures.tex").read_text("utf-8")
    assert latex.count(r"\includegraphics") == latex.count(r"\caption") == len(names) // 2 - 1
    for name in names:
        text = (out / "figures" / name).read_bytes()
        assert text.startswith({"svg": b"<svg ", "pdf": b"%PDF"}.get(name[-3:], text[:4]))
    assert main(["evaluate", *words(scene), "--out", str(out), "--figures", "svg"]) == 0
    with pytest.raises(SystemExit):
        main(["evaluate", *words(scene), "--out", str(out), "--figures", "docx"])


def test_the_heading_does_not_show_the_folders_of_the_machine(scene: Path) -> None:
    evaluate(scene / "pred", scene / "gt", num_classes=3, metrics=["dice"], out=scene / "out")
    page = (scene / "out" / "report.html").read_text("utf-8")
    head = page[: page.index("<section>")]
    assert f"{scene.name}/pred" in head
    assert str(scene.parent) not in head


@pytest.fixture
def detections(tmp_path: Path) -> Path:
    """Two images: the first with a miss, a false positive and a crowd, the second without error."""
    Image.new("RGB", (80, 60), (120, 90, 60)).save(tmp_path / "one.png")
    boxes = {1: [[5, 5, 20, 20], [40, 30, 15, 20]], 2: [[10, 10, 30, 30]]}
    rows = [
        {"id": 9 * image + place, "image_id": image, "category_id": 4, "bbox": box,
         "area": box[2] * box[3], "iscrowd": 0}
        for image, several in boxes.items() for place, box in enumerate(several)
    ]  # fmt: skip
    rows.append({"id": 99, "image_id": 1, "category_id": 4, "bbox": [60, 0, 20, 20], "area": 400,
                 "iscrowd": 1})  # fmt: skip
    names = {1: "one.png", 2: "two.png"}
    truth = {
        "images": [{"id": i, "file_name": n, "width": 80, "height": 60} for i, n in names.items()],
        "categories": [{"id": 4, "name": "brick & <b>"}],
        "annotations": rows,
    }
    found = [
        (1, [5, 5, 20, 20], 0.9), (1, [2, 40, 12, 12], 0.6), (1, [62, 2, 10, 10], 0.8),
        (2, [10, 10, 30, 30], 0.7),
    ]  # fmt: skip
    results = [
        {"image_id": i, "category_id": 4, "bbox": box, "score": score} for i, box, score in found
    ]
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    (tmp_path / "pred.json").write_text(json.dumps(results))
    return tmp_path


def test_false_positives_and_misses_are_drawn(detections: Path) -> None:
    pytest.importorskip("pycocotools")
    out = detections / "out"
    options = {"images": detections, "figures": ("svg", "pdf")}
    evaluate_coco(detections / "pred.json", detections / "gt.json", out=out, **options)  # type: ignore[arg-type]
    page = (out / "report.html").read_text("utf-8")
    (caption,) = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    # the detection in the crowd is neither, and the second image has no error
    assert caption == (
        "one.png: 1 right, 1 false positives, 1 of 2 objects missed, 1 in crowd regions"
    )
    assert "brick &amp; &lt;b&gt; 0.60" in page
    assert page.count("data:image/png") == 1
    names = {path.name for path in (out / "figures").iterdir()}
    assert {"detections-one-png.pdf", "precision-recall.svg", "reliability-iou.pdf"} <= names
    assert "n = 3 detections, 3 objects" in (out / "figures" / "captions.md").read_text("utf-8")


def test_without_a_picture_boxes_stand_on_a_dark_ground(detections: Path) -> None:
    pytest.importorskip("pycocotools")
    out = detections / "out"
    evaluate_coco(detections / "pred.json", detections / "gt.json", out=out)
    page = (out / "report.html").read_text("utf-8")
    assert "data:image/png" not in page
    assert page.count("<figcaption>") == 1


@pytest.mark.slow
def test_an_evaluation_at_two_widths_in_light_and_dark(
    scene: Path, looked_at: Callable[[Path], str]
) -> None:
    assert main(["evaluate", *words(scene), "--out", str(scene / "out"), "--quiet"]) == 0
    dom = looked_at(scene / "out" / "report.html")
    assert "Reliability" in dom


@pytest.mark.slow
def test_detections_at_two_widths_in_light_and_dark(
    detections: Path, looked_at: Callable[[Path], str]
) -> None:
    pytest.importorskip("pycocotools")
    out = detections / "out"
    evaluate_coco(detections / "pred.json", detections / "gt.json", out=out, images=detections)
    dom = looked_at(out / "report.html")
    assert "False positives and missed objects" in dom


@pytest.mark.slow
def test_a_first_column_stays_in_sight_on_a_phone(scene: Path, browse: Callable[..., str]) -> None:
    assert main(["evaluate", *words(scene), "--out", str(scene / "out"), "--quiet"]) == 0
    act = """
const box=document.querySelector("#scores").parentElement;box.scrollLeft=400;
const cell=document.querySelector("#scores td").getBoundingClientRect();
const frame=box.getBoundingClientRect();
document.body.dataset.moved=box.scrollLeft>100?"yes":"no";
document.body.dataset.seen=Math.abs(cell.left-frame.left)<3?"yes":"no";
document.body.dataset.share=(cell.width/frame.width).toFixed(2);
"""
    dom = browse(scene / "out" / "report.html", act, width=390)
    assert 'data-moved="yes"' in dom
    assert 'data-seen="yes"' in dom
    share = float(re.findall(r'data-share="([\d.]+)"', dom)[0])
    assert share <= 0.5
