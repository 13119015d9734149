"""A COCO data set and detections of it, checked and read into one form."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seglosses.evaluate.coco_ids import Names
from seglosses.evaluate.coco_masks import (
    MOST_PIXELS,
    Size,
    check_polygons,
    codec,
    extent,
    has_mask,
    run_length_mask,
    stated_size,
)
from seglosses.evaluate.coco_numbers import box_of, number_of

Row = dict[str, Any]


@dataclass(frozen=True)
class CocoPair:
    """Objects and detections with images and categories numbered from 1, in the order of their ids.

    Attributes:
        images: A row per image: ``id``, ``name`` to show, and ``height`` and ``width`` where masks
            are compared.
        categories: A row a category: ``id``, ``given`` (its id in the file), ``name``.
        objects: ``id, image_id, category_id, bbox, area, iscrowd``, and ``segmentation`` as
            compressed run lengths where masks are compared.
        found: The same with ``score`` in place of ``iscrowd``; ``area`` is that of the box where
            the file has one, as in pycocotools.
        masks: Whether both files say which pixels objects and detections have.
        notes: What a reader of the numbers has to know about the files.
        sizes_known: Whether the heights and widths of all images are known, not guessed.
    """

    images: list[Row]
    categories: list[Row]
    objects: list[Row]
    found: list[Row]
    masks: bool
    notes: tuple[str, ...]
    sizes_known: bool


def read_json(path: str | Path) -> Any:
    """What a JSON file holds.

    Raises:
        ValueError: when it is not JSON, with the place.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a JSON file: {error}; write it again") from None


def read_pair(
    data: Any, found: Any, *, predictions: str = "the detections", truth: str = "the data set"
) -> CocoPair:
    """Read what is legal in COCO's formats, and name what is not.

    Annotations need no ``id`` (they are numbered anew: pycocotools takes the id 0 for "no match"),
    ``iscrowd`` or ``area``; ``bbox`` follows from a mask. Null is the same as missing. Masks are
    polygons or run lengths, an empty list of polygons has no pixels. Images need no size.

    Args:
        data: A data set.
        found: Results.
        predictions: Name of the results' file, for messages.
        truth: Name of the data set's file.

    Returns:
        Both in one form.

    Raises:
        ValueError: for anything else, with file, place and what to do.

    Example:
        >>> data = {"images": [{"id": 7}], "categories": [{"id": 3}],
        ...         "annotations": [{"image_id": 7, "category_id": 3, "bbox": [0, 0, 2, 4]}]}
        >>> read_pair(data, []).objects
        [{'id': 1, 'image_id': 1, 'category_id': 1, 'bbox': [0.0, 0.0, 2.0, 4.0], 'area': 8.0,
          'iscrowd': 0}]
    """
    rows, results = _data_set(data, truth), _results(found, predictions)
    notes: list[str] = []
    pictures = Names("image", rows["images"], truth, notes)
    kinds = Names("category", rows["categories"], truth, notes)
    objects = list(_placed(rows["annotations"], "annotations", truth, pictures, kinds))
    detections = list(_placed(results, "", predictions, pictures, kinds))
    pictures.raise_unknown(predictions)
    kinds.raise_unknown(predictions)
    masks = _masks_compared(objects, detections, notes)
    sizes, known = _sizes(rows["images"], pictures, [*objects, *detections], masks, truth, notes)
    images = []
    for number, row in enumerate(pictures.rows, start=1):
        name = row.get("file_name") or pictures.given[number - 1]
        height, width = sizes.get(number, (None, None))
        images.append({"id": number, "name": str(name), "height": height, "width": width})
    categories = [
        {"id": number, "given": given, "name": str(row.get("name") or given)}
        for number, (given, row) in enumerate(zip(kinds.given, kinds.rows, strict=True), start=1)
    ]
    return CocoPair(
        images=images,
        categories=categories,
        objects=[_object(one, number, sizes, masks) for number, one in enumerate(objects, 1)],
        found=[_detection(one, number, sizes, masks) for number, one in enumerate(detections, 1)],
        masks=masks,
        notes=tuple(notes),
        sizes_known=known,
    )


@dataclass(frozen=True)
class _Placed:
    """A row of a file, the numbers of its image and category, and where it stands."""

    row: Mapping[str, Any]
    image: int
    category: int
    place: Callable[[str], str]


def _data_set(data: Any, truth: str) -> Mapping[str, list[Any]]:
    parts = ("images", "annotations", "categories")
    if not isinstance(data, Mapping) or not all(isinstance(data.get(one), list) for one in parts):
        raise ValueError(
            f"expected a COCO data set with images, annotations and categories in {truth}; write"
            " them as lists"
        )
    return data


def _results(found: Any, predictions: str) -> list[Any]:
    if not isinstance(found, list):
        raise ValueError(
            f"expected a list of detections with image_id, category_id, score and bbox or"
            f" segmentation in {predictions}, got a JSON {type(found).__name__}; write the list"
            " alone"
        )
    return found


def _placed(
    rows: Iterable[Any], key: str, file: str, pictures: Names, kinds: Names
) -> Iterable[_Placed]:
    for index, row in enumerate(rows):

        def place(field: str, index: int = index) -> str:
            return f"{key}[{index}]{'.' if field else ''}{field} of {file}"

        needed = ["image_id", "category_id"] + ([] if key else ["score"])
        lacking = [one for one in needed if not isinstance(row, Mapping) or row.get(one) is None]
        if lacking or not (has_mask(row) or row.get("bbox") is not None):
            kind = "a list of annotations" if key else "a list of detections"
            raise ValueError(
                f"expected {kind} with {', '.join(needed)} and bbox or segmentation:"
                f" {place('')} lacks {', '.join(lacking) or 'bbox and segmentation'}; add it, or"
                " remove the row"
            )
        yield _Placed(
            row,
            pictures.find(row["image_id"], place("image_id"), file),
            kinds.find(row["category_id"], place("category_id"), file),
            place,
        )


def _masks_compared(objects: list[_Placed], found: list[_Placed], notes: list[str]) -> bool:
    """Whether all have masks; a note where some have and others have not."""
    if not objects or not found:
        return False
    for side in (found, objects):
        without = [one for one in side if not has_mask(one.row)]
        if without and len(without) < len(side):
            notes.append(
                f"masks are not compared: {len(without)} of {len(side)} have none, the first is"
                f" {without[0].place('segmentation')}"
            )
        if without:
            return False
    if empty := [one for one in objects if one.row["segmentation"] == []]:
        notes.append(
            f"{len(empty)} objects have an empty list of polygons, no detection's mask can match"
            f" them; the first is {empty[0].place('segmentation')}"
        )
    return True


def _sizes(
    images: list[Any],
    pictures: Names,
    rows: list[_Placed],
    masks: bool,
    truth: str,
    notes: list[str],
) -> tuple[dict[int, Size], bool]:
    """Height and width by image: stated, of run lengths, or the least that holds all polygons."""
    sizes: dict[int, Size] = {}
    for index, row in enumerate(images):
        sides = (row.get("height"), row.get("width"))
        if any(side is None for side in sides):
            continue
        if not all(isinstance(side, int | float) and side > 0 and side % 1 == 0 for side in sides):
            raise ValueError(
                f"images[{index}] of {truth}: expected height and width, whole numbers above 0, got"
                f" {sides[0]!r} and {sides[1]!r}; correct them, or leave them out"
            )
        sizes[pictures.number[row["id"]]] = (int(sides[0]), int(sides[1]))
    guessed: dict[int, Size] = defaultdict(lambda: (1, 1))
    for one in rows:
        if not has_mask(one.row) or one.image in sizes:
            continue
        given = one.row["segmentation"]
        if (own := stated_size(given)) is not None:
            sizes[one.image] = own
            continue
        check_polygons(given, one.place("segmentation"))
        height, width = extent(given)
        before = guessed[one.image]
        guessed[one.image] = (max(height, before[0]), max(width, before[1]))
    unknown = {image: size for image, size in guessed.items() if image not in sizes}
    for image, (height, width) in unknown.items():
        if height * width >= MOST_PIXELS:
            raise ValueError(
                f"polygons of image {pictures.given[image - 1]!r} of {truth} reach to row {height}"
                f" and column {width}; state its height and width, or correct them"
            )
    if unknown and masks:
        notes.append(
            f"boundary AP is left out: {len(unknown)} images of {truth} have no height and width,"
            " and its band is a share of their diagonal"
        )
    return {**unknown, **sizes}, not unknown


def _object(one: _Placed, number: int, sizes: dict[int, Size], masks: bool) -> Row:
    crowd = one.row.get("iscrowd") or 0
    if crowd not in (0, 1):
        raise ValueError(
            f"{one.place('iscrowd')}: expected 0 or 1, got {crowd!r}; correct it, or leave it out"
        )
    row = _shape(one, number, sizes, masks or one.row.get("area") is None)
    if (area := one.row.get("area")) is not None:
        row["area"] = number_of(area, one.place("area"), least=0)
    elif "segmentation" in row:
        row["area"] = float(codec().area(row["segmentation"]))
    row["iscrowd"] = int(crowd)
    if not masks:
        row.pop("segmentation", None)
    return row


def _detection(one: _Placed, number: int, sizes: dict[int, Size], masks: bool) -> Row:
    row = _shape(one, number, sizes, masks)
    if one.row.get("bbox") in (None, []):
        row["area"] = float(codec().area(row["segmentation"]))
    row["score"] = number_of(one.row["score"], one.place("score"))
    if not masks:
        row.pop("segmentation", None)
    return row


def _shape(one: _Placed, number: int, sizes: dict[int, Size], masked: bool) -> Row:
    """Box, area of the box, and the mask where it is wanted or the box follows from it."""
    row: Row = {"id": number, "image_id": one.image, "category_id": one.category}
    given = one.row.get("bbox")
    boxless = given is None or (given == [] and has_mask(one.row))
    if has_mask(one.row) and (masked or boxless):
        mask = run_length_mask(
            one.row["segmentation"], sizes.get(one.image), one.place("segmentation")
        )
        row["segmentation"] = mask
    if boxless:
        box = [float(side) for side in codec().toBbox(row["segmentation"])]
    else:
        box = box_of(given, one.place("bbox"))
    row |= {"bbox": box, "area": box[2] * box[3]}
    return row
