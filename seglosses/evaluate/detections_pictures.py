"""Pictures of detections: what was found, what is false and what was missed."""

from __future__ import annotations

import html
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seglosses.evaluate.coco_files import CocoPair, Row
from seglosses.evaluate.formats.pictures import whole_pictures
from seglosses.metrics.detection import Assignment, Matches, assign, match
from seglosses.report.drawing import Colour, Drawing
from seglosses.report.figures import Figure, file_name
from seglosses.report.kinds import MATCHED
from seglosses.report.overlay import GROUND, MAX_SIDE, MISSING, SPURIOUS

_CROWD: Colour = (150, 150, 150)
_COLOURS = (
    (MATCHED, "right"),
    (SPURIOUS, "false positive"),
    (MISSING, "missed object"),
    (_CROWD, "in a crowd region: neither"),
)


@dataclass(frozen=True)
class ImagePair:
    """Detections and objects of one image, as they are matched.

    Attributes:
        image: Its row.
        found: Detections above the threshold.
        objects: Objects that are no crowd regions.
        crowds: Crowd regions.
        iou_threshold: Least IoU of a match.
    """

    image: Row
    found: Sequence[Row]
    objects: Sequence[Row]
    crowds: Sequence[Row]
    iou_threshold: float

    def matches(self) -> Matches:
        """The detections in the order of their scores, with what they overlap."""
        return match(*self._sides(), **self._options())

    def assignment(self) -> Assignment:
        """The object of each detection."""
        return assign(*self._sides(), **self._options())

    def _sides(self) -> tuple[Any, ...]:
        scores = [one["score"] for one in self.found]
        found, objects = self.found, self.objects
        return corners(found), scores, _kinds(found), corners(objects), _kinds(objects)

    def _options(self) -> dict[str, Any]:
        return {
            "crowd_boxes": corners(self.crowds),
            "crowd_labels": _kinds(self.crowds),
            "iou_threshold": self.iou_threshold,
        }


def image_pairs(
    pair: CocoPair, iou_threshold: float, score_threshold: float
) -> dict[int, ImagePair]:
    """What belongs to each image.

    Args:
        pair: Both files.
        iou_threshold: Least IoU of a match.
        score_threshold: Detections that do not score more are left out.

    Returns:
        By the id of the image.
    """
    objects = _per_image([one for one in pair.objects if not one["iscrowd"]])
    crowds = _per_image([one for one in pair.objects if one["iscrowd"]])
    found = _per_image([one for one in pair.found if one["score"] > score_threshold])
    return {
        (key := image["id"]): ImagePair(image, found[key], objects[key], crowds[key], iou_threshold)
        for image in pair.images
    }


def worst_detections(
    pairs: Sequence[ImagePair],
    names: dict[int, str],
    images: Path | None,
    count: int,
) -> list[Figure]:
    """The images with most errors: a missed object counts 1, a false positive its score.

    Args:
        pairs: Of :func:`image_pairs`.
        names: Name of each category.
        images: Folder that holds the pictures under their file names; None for a dark ground.
        count: How many.

    Returns:
        Figures, the worst first; images without an error are not among them.
    """
    ranked = []
    for number, one in enumerate(pairs):
        found = one.assignment()
        wrong = (found.partner < 0) & ~found.ignored
        missed = set(range(len(one.objects))) - set(found.partner.tolist())
        scores = [row["score"] for row in one.found]
        errors = len(missed) + float(np.sum(np.array(scores)[wrong])) if scores else len(missed)
        if errors:
            ranked.append((-errors, number, found, missed))
    return [
        _figure(pairs[number], found, missed, names, images)
        for _, number, found, missed in sorted(ranked, key=lambda row: row[:2])[:count]
    ]


def _figure(
    one: ImagePair,
    assigned: Assignment,
    missed: set[int],
    names: dict[int, str],
    images: Path | None,
) -> Figure:
    boxes = corners([*one.found, *one.objects])
    photo = _photo(images, str(one.image["name"]))
    if photo is not None:
        width, height = photo.size
    else:
        far = boxes.max(axis=0, initial=1.0)[2:] if len(boxes) else np.ones(2)
        width = int(one.image["width"] or np.ceil(far[0]))
        height = int(one.image["height"] or np.ceil(far[1]))
    scale = MAX_SIDE / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    kinds = np.select([assigned.partner >= 0, assigned.ignored], ["right", "crowd"], "false")
    right, crowd, false = (
        [(row, colour, thick) for row, kind in zip(one.found, kinds, strict=True) if kind == wanted]
        for wanted, colour, thick in (
            ("right", MATCHED, False),
            ("crowd", _CROWD, False),
            ("false", SPURIOUS, True),
        )
    )
    gone = [(one.objects[place], MISSING, True) for place in sorted(missed)]
    text = (
        f"{one.image['name']}: {len(right)} right, {len(false)} false positives, "
        f"{len(gone)} of {len(one.objects)} objects missed"
        f"{f', {len(crowd)} in crowd regions' if crowd else ''}"
    )
    drawing = Drawing(*size, GROUND, text)
    if photo is not None:
        faded = photo.convert("RGB").resize(size)
        drawing.picture(Image.blend(faded, Image.new("RGB", size), 0.35), 0, 0)
    for row, colour, thick in [*right, *crowd, *false, *gone]:
        _box(drawing, row, colour, names, scale, thick)
    return Figure(f"detections-{file_name(str(one.image['name']))}", drawing.svg(), text)


def _box(
    drawing: Drawing, row: Row, colour: Colour, names: dict[int, str], scale: float, thick: bool
) -> None:
    x1, y1, x2, y2 = (float(value) * scale for value in corners([row])[0])
    drawing.rectangle((x1, y1, x2, y2), outline=colour, width=2 if thick else 1)
    if thick:
        score = f" {row['score']:.2f}" if "score" in row else ""
        text = f"{names[row['category_id']]}{score}"
        top, wide = y1 - 14 if y1 > 15 else y1 + 2, 6.6 * len(text) + 4
        left = max(0.0, min(x1, drawing.width - wide))  # all of it within the picture
        drawing.rectangle((left, top, left + wide, top + 13), fill=GROUND)
        drawing.text(left + 2, top, text, colour, 11)


CHART = '<svg class="chart" '


def shown(figures: Sequence[Figure]) -> str:
    """The figures as HTML, with a legend.

    Args:
        figures: Of :func:`worst_detections`.

    Returns:
        HTML.
    """
    if not figures:
        return '<p class="quiet">no image has a false positive or a missed object</p>'
    entries = "".join(
        f'<span><span class="swatch ring" style="border-color:rgb{colour}"></span>{words}</span>'
        for colour, words in _COLOURS
    )
    cards = "".join(
        f'<figure class="card">{one.svg.replace("<svg ", CHART, 1)}'
        f"<figcaption>{html.escape(one.caption)}</figcaption></figure>"
        for one in figures
    )
    return f'<div class="legend">{entries}</div><div class="grid half">{cards}</div>'


def _photo(images: Path | None, name: str) -> Image.Image | None:
    if images is None:
        return None
    for path in (images / name, images / Path(name).name):
        try:
            with whole_pictures(), Image.open(path) as picture:
                return picture.convert("RGB")
        except (OSError, ValueError):
            continue
    return None


def _per_image(rows: Sequence[Row]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["image_id"]].append(row)
    return groups


def _kinds(rows: Sequence[Row]) -> list[int]:
    return [one["category_id"] for one in rows]


def corners(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Corners of boxes.

    Args:
        rows: Rows with a ``bbox`` of x, y, width and height.

    Returns:
        x1, y1, x2, y2, (n, 4).
    """
    boxes = np.array([one["bbox"] for one in rows], np.float64).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)
