"""Which losses of ours are tried in a slot, and whether the host's value must come out."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple

from head_walk.slots import Slot

#: regressions of coordinates, of which there are none here: a box loss shows what happens
COORDINATES = {"L1Loss", "SmoothL1Loss", "BalancedL1Loss", "BoundedIoULoss", "EIoULoss", "MSELoss"}
#: heads without this switch, though their kin has it
DECODED = {"DIIHead", "SABLHead"}


class Swap(NamedTuple):
    """A loss of ours, or a list of them, for a slot."""

    ours: Any  #: config
    same: bool = False  #: the host's value is expected
    switches: tuple[str, ...] = ()  #: of the head

    @property
    def name(self) -> str:
        """For the table."""
        return ", ".join((_name(self.ours), *self.switches))


def swaps(slot: Slot, registry: Any) -> Iterator[Swap]:
    """What is tried in a slot of a head."""
    host, kind = dict(slot.host), str(slot.host["type"]).rsplit(".", 1)[-1]
    if registry.scope == "mmseg":
        # heads sum and log by this name
        host.setdefault("loss_name", getattr(registry.build(dict(host)), "loss_name", "loss"))
    twin = counterpart(host)
    if twin is not None:
        yield twin
    if kind in COORDINATES:
        box = dict(type="seglosses.GIoULoss", loss_weight=host.get("loss_weight", 1.0))
        if slot.head not in DECODED and _can_decode(registry.get(slot.head)):
            yield Swap(box, switches=("reg_decoded_bbox",))
        yield Swap(box)
    if kind == "CrossEntropyLoss" and host.get("use_mask"):
        dice = dict(type="seglosses.DiceLoss", use_sigmoid=True)
        yield Swap(dict(type="seglosses.ForMaskHead", loss=dice))
        yield Swap(dice)
    if kind == "DiceLoss" and twin is not None:
        line: dict[str, Any] = dict(type="seglosses.SoftClDiceLoss", use_sigmoid=True)
        line.update({key: host[key] for key in ("loss_name",) if key in host})
        wrapped = dict(type="seglosses.ForProbabilities", loss=line)
        yield Swap(wrapped if "ForProbabilities" in twin.name else line)
    if kind in ("OhemCrossEntropy", "BoundaryLoss"):
        yield Swap(dict(type="seglosses.CrossEntropyLoss", use_sigmoid=kind == "BoundaryLoss"))
    if slot.key == "loss_decode" and slot.index is None:
        names = ("CrossEntropyLoss", "DiceLoss", "SoftClDiceLoss")
        yield Swap([dict(type=f"seglosses.{name}") for name in names])


def counterpart(host: Any) -> Swap | None:
    """The same loss of ours, or the nearest one, or None."""
    kind = str(host["type"]).rsplit(".", 1)[-1]
    kept = {key: host[key] for key in ("loss_weight", "reduction", "loss_name") if key in host}
    if kind == "IoULoss":
        mode = "linear" if host.get("linear") else host.get("mode", "log")
        return _ours("IoULoss", kept, mode=mode)
    if kind in ("GIoULoss", "DIoULoss", "CIoULoss"):
        return _ours(kind, kept)
    if kind == "FocalLoss":
        options = {"gamma": host.get("gamma", 2.0), "alpha": host.get("alpha", 0.25)}
        return _of_probabilities(host, _ours(kind, kept, use_sigmoid=True, **options))
    if kind in ("QualityFocalLoss", "VarifocalLoss"):
        known = ("beta", "alpha", "gamma", "activated")
        options = {key: host[key] for key in known if key in host}
        return _ours(kind, kept, use_sigmoid=True, **options)
    if kind == "DistributionFocalLoss":
        return _ours(kind, kept)
    if kind == "DiceLoss":
        naive = bool(host.get("naive_dice"))
        options = {"smooth": host.get("eps", 1e-3), "intersection": "product"} if naive else {}
        sigmoid = host.get("use_sigmoid", True)
        ours = _ours(kind, kept, use_sigmoid=sigmoid, **options)._replace(same=naive)
        return _of_probabilities(host, ours)
    if kind == "CrossEntropyLoss":
        if host.get("use_mask"):
            return Swap(dict(type="seglosses.ForMaskHead", loss=_ours(kind, kept).ours), True)
        known = ("class_weight", "bg_cls_weight", "ignore_index")
        options = {key: host[key] for key in known if key in host}
        if "loss_name" in host and "class_weight" in host:
            options["renormalize"] = True  # MMSegmentation's mean
        options["avg_non_ignore"] = host.get("avg_non_ignore", False)
        return _ours(kind, kept, use_sigmoid=bool(host.get("use_sigmoid")), **options)
    return None


def _ours(name: str, kept: dict[str, Any], **options: Any) -> Swap:
    return Swap(dict(type=f"seglosses.{name}", **options, **kept), same=True)


def _of_probabilities(host: Any, swap: Swap) -> Swap:
    if not host.get("activated", not host.get("activate", True)):
        return swap
    return swap._replace(ours=dict(type="seglosses.ForProbabilities", loss=swap.ours))


def _name(ours: Any) -> str:
    if isinstance(ours, list):
        return " + ".join(_name(each) for each in ours)
    kind = str(ours["type"]).removeprefix("seglosses.")
    return f"{kind}({_name(ours['loss'])})" if "loss" in ours else kind


def _can_decode(head: type) -> bool:
    return any(
        "reg_decoded_bbox" in inspect.signature(kind.__init__).parameters for kind in head.__mro__
    )
