"""Which losses a trainer adds up: read from words, and built for a task of nnU-Net."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from seglosses.losses.base import SegmentationLoss
from seglosses.losses.classwise import MapLoss, OverlapLoss
from seglosses.losses.exported import loss_classes

OWN = "nnUNet"
"""Stands for nnU-Net's own loss, cross-entropy and Dice."""

Losses: TypeAlias = Sequence[str | Mapping[str, Any]]

_TERM = re.compile(r"(?:(?P<weight>[^*\s]+)\s*\*\s*)?(?P<name>\w+)")


@dataclass(frozen=True)
class Task:
    """What nnU-Net's plans and ``dataset.json`` say that a loss must know.

    Args:
        heads: Channels of the network's output: labels with background, or regions.
        dims: Axes of a patch, 2 or 3.
        regions: Whether channels are overlapping regions.
        ignore_label: Label that does not count, None without.
        batch_dice: Whether Dice is that of the whole batch.
        ddp: Whether several processes train.
        configuration: Its name, for messages.
    """

    heads: int
    dims: int
    regions: bool = False
    ignore_label: int | None = None
    batch_dice: bool = False
    ddp: bool = False
    configuration: str = "the configuration"


def read_losses(text: str) -> list[dict[str, Any]]:
    """Losses from the words of ``SEGLOSSES_LOSSES``.

    Args:
        text: Names of losses separated by commas, each with a weight and ``*`` before it if that
            is not 1; or JSON, a list of objects with ``type`` and options. ``nnUNet`` is nnU-Net's
            own loss.

    Returns:
        A dictionary for each.

    Raises:
        ValueError: The text can be read in neither way.

    Example:
        >>> read_losses("nnUNet, 0.5*SoftClDiceLoss")
        [{'type': 'nnUNet'}, {'type': 'SoftClDiceLoss', 'loss_weight': 0.5}]
        >>> read_losses('[{"type": "DiceLoss", "smooth": 0}]')
        [{'type': 'DiceLoss', 'smooth': 0}]
    """
    if text.lstrip().startswith("["):
        try:
            return [_entry(one) for one in json.loads(text)]
        except json.JSONDecodeError as error:
            raise ValueError(f"SEGLOSSES_LOSSES is no JSON: {error}; got {text!r}") from error
    entries = []
    for part in text.split(","):
        match = _TERM.fullmatch(part.strip())
        try:
            weight = float((match and match["weight"]) or 1)
        except ValueError:
            match = None
        if match is None:
            raise ValueError(
                f"cannot read {part.strip()!r} in SEGLOSSES_LOSSES={text!r}: expected names of"
                ' losses with weights, such as "nnUNet, 0.5*SoftClDiceLoss", or a JSON list'
            )
        entry: dict[str, Any] = {"type": match["name"]}
        entries.append(entry if weight == 1 else {**entry, "loss_weight": weight})
    return entries


def read_entries(losses: Losses | str) -> list[dict[str, Any]]:
    """Losses of a trainer's class attribute, in the form of :func:`read_losses`.

    Args:
        losses: Names and dictionaries, or a text.

    Returns:
        A dictionary for each.

    Raises:
        ValueError: One is neither, or there is none.

    Example:
        >>> read_entries(["nnUNet", dict(type="seglosses.DiceLoss")])
        [{'type': 'nnUNet'}, {'type': 'DiceLoss'}]
    """
    entries = read_losses(losses) if isinstance(losses, str) else [_entry(one) for one in losses]
    if not entries:
        raise ValueError('a trainer needs a loss: for example losses = ("nnUNet",)')
    return entries


def _entry(given: object) -> dict[str, Any]:
    if isinstance(given, str):
        given = {"type": given}
    if not isinstance(given, Mapping) or not isinstance(given.get("type"), str):
        raise ValueError(
            "expected losses as names or as dict(type='SoftClDiceLoss', loss_weight=0.5), got"
            f" {given!r}"
        )
    return {**given, "type": given["type"].removeprefix("seglosses.")}


def build_losses(entries: Sequence[Mapping[str, Any]], task: Task) -> list[SegmentationLoss]:
    """Our losses of a list, set up for a task; nnU-Net's own is left out.

    The task decides ``use_sigmoid`` and ``ignore_index``. With nnU-Net's ``batch_dice`` the
    overlap losses that have an ``average`` take ``'dataset'``, and count over all processes.

    Args:
        entries: Of :func:`read_entries`.
        task: What is trained.

    Returns:
        The losses in that order.

    Raises:
        ValueError: A name is unknown, options do not fit the loss or the task, or the loss cannot
            be used in nnU-Net.

    Example:
        >>> build_losses([{"type": "DiceLoss"}], Task(2, 2, batch_dice=True))[0].average
        'dataset'
    """
    known = {n: c for n, c in loss_classes().items() if issubclass(c, SegmentationLoss)}
    built = []
    for entry in entries:
        options = dict(entry)
        name = options.pop("type")
        if name == OWN:
            if options:
                raise ValueError(
                    f"{OWN} takes no options, got {options}; give the weights to the other losses"
                )
            continue
        if name not in known:
            close = difflib.get_close_matches(name, [OWN, *known], 3) or [OWN, "SoftClDiceLoss"]
            raise ValueError(
                f"there is no loss {name} of segmentation: did you mean {' or '.join(close)}?"
                " `seglosses list` has them all"
            )
        built.append(_build(known[name], options, task))
    return built


def _build(cls: type[SegmentationLoss], options: dict[str, Any], task: Task) -> SegmentationLoss:
    if cls.needs:
        raise ValueError(
            f"{cls.__name__} needs {' and '.join(cls.needs)} beside logits and labels, which"
            " nnU-Net does not give to a loss"
        )
    if issubclass(cls, MapLoss) and task.dims not in cls.spatial_dims:
        raise ValueError(
            f"{cls.__name__} compares {' or '.join(f'{d}D' for d in cls.spatial_dims)} maps, and"
            f" {task.configuration} has {task.dims}D patches: train another configuration"
        )
    decided = {"use_sigmoid": task.regions, "ignore_index": task.ignore_label}
    if task.regions:
        # what is ignored comes as a channel of its own
        decided["ignore_index"] = None
    taken = cls.__signature__.parameters
    for name, value in decided.items():
        if name in options and options[name] != value:
            raise ValueError(
                f"{cls.__name__}: {name}={options[name]!r}, where dataset.json makes it {value!r};"
                " leave it out"
            )
        if name in taken:
            options[name] = value
    if task.batch_dice and issubclass(cls, OverlapLoss) and "average" in taken:
        options.setdefault("average", "dataset")
        if options["average"] == "dataset" and task.ddp and "sync" in taken:
            options.setdefault("sync", True)
    return cls(**options)
