"""What frameworks hand around in place of tensors, and how tensors are taken out of it.

Nothing is imported to look: an object is known by its keys, its attributes and its module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

#: A key of a dictionary, whose it is, and what to do; the first key that is there says it.
_KEYS: tuple[tuple[str, str, str], ...] = (
    (
        "sem_seg",
        "detectron2",
        "take the maps, [one['sem_seg'] for one in {name}], and for a loss torch.stack of them",
    ),
    ("instances", "detectron2", "take {one}['instances'].gt_boxes.tensor, or pred_boxes.tensor"),
    (
        "pred_boxes",
        "DETR models",
        "take {one}['pred_boxes'] of the matched queries, as corners:"
        " transformers.image_transforms.center_to_corners_format(boxes)",
    ),
    (
        "logits",
        "models of transformers",
        "take {one}['logits'] and bring them to the size of the labels,"
        " torch.nn.functional.interpolate(logits, labels.shape[-2:], mode='bilinear')",
    ),
    ("pixel_values", "data of transformers", "take {one}['labels']"),
    (
        "out",
        "models of torchvision",
        "take {one}['out'], and for a loss of 'aux' call it once more and add the two up",
    ),
    (
        "boxes",
        "targets of torchvision and transformers",
        "take {one}['boxes'] of the matched objects, as corners (x1, y1, x2, y2)",
    ),
    (
        "label",
        "MONAI",
        "take {one}['label'], in handlers by output_transform=from_engine(['pred', 'label'])",
    ),
)


def how_to_unpack(given: object, name: str) -> str | None:
    """What to do with an output or label of a framework that is no tensor.

    Args:
        given: What was given, or a list with one for each image.
        name: What it is called.

    Returns:
        What it is and how to take the tensor out of it; None for what no framework is known by.

    Example:
        >>> how_to_unpack({"out": 1, "aux": 2}, "pred")[:70]
        "pred is a dict of 'out', 'aux', as models of torchvision give: take pr"
        >>> how_to_unpack([1, 2], "pred") is None
        True
    """
    one, said, where = given, f"{name} is", name
    if isinstance(given, Sequence) and not isinstance(given, str) and len(given):
        one, said, where = given[0], f"{name} is a {type(given).__name__} of", f"{name}[0]"
    if isinstance(one, Tensor):
        return None
    kind = type(one).__name__
    if isinstance(one, Mapping):
        for key, owner, remedy in _KEYS:
            if key in one:
                keys = ", ".join(repr(each) for each in one)
                do = remedy.format(name=name, one=where)
                return f"{said} a {kind} of {keys}, as {owner} give: {do}"
        return None
    taken = _attribute(one, where)
    return None if taken is None else f"{said} {kind} of {_library(one)}: {taken}"


def _attribute(given: object, name: str) -> str | None:
    """How to take tensors out of an object that has them as attributes."""
    kind, library = type(given).__name__, _library(given)
    if library == "ultralytics":
        return f"take {name}.boxes.xyxy for boxes, {name}.masks.data for masks"
    if hasattr(given, "gt_sem_seg") or hasattr(given, "pred_sem_seg"):
        return f"take {name}.pred_sem_seg.data, {name}.seg_logits.data or {name}.gt_sem_seg.data"
    if hasattr(given, "gt_boxes") or hasattr(given, "pred_boxes"):
        return f"take {name}.gt_boxes.tensor or {name}.pred_boxes.tensor"
    if not isinstance(getattr(given, "tensor", None), Tensor):
        return None
    if library == "detectron2" and kind == "RotatedBoxes":
        return f"take {name}.tensor, with its angles in radians: columns 4 times pi / 180"
    if kind == "QuadriBoxes":
        return f"take {name}.convert_to('rbox').tensor"
    return f"take {name}.tensor"


def _library(given: object) -> str:
    return type(given).__module__.split(".")[0]
