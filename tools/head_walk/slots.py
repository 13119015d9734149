"""Where losses stand in a config, and how one is put into the place of another."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

from mmengine.config import ConfigDict


class Slot(NamedTuple):
    """A place for a loss."""

    head: str
    key: str
    index: int | None  #: in a list of losses
    host: Any  #: the config that stands there

    @property
    def name(self) -> str:
        """Key and index."""
        return self.key if self.index is None else f"{self.key}[{self.index}]"


def slots(model: Any) -> list[Slot]:
    """All slots of a config, each of a head once."""
    found: dict[tuple[str, str], Slot] = {}

    def search(node: Any, head: str) -> None:
        if isinstance(node, dict):
            head = str(node.get("type", head))
            for key, value in node.items():
                if is_loss(key, value):
                    many = isinstance(value, (list, tuple))
                    for index, host in enumerate(value) if many else [(None, value)]:
                        slot = Slot(head, key, index, host)
                        found.setdefault((head, slot.name), slot)
                elif key != "teacher_config":
                    search(value, head)
        elif isinstance(node, (list, tuple)):
            for value in node:
                search(value, head)

    search(model, "")
    return list(found.values())


def is_loss(key: str, value: Any) -> bool:
    """Whether an entry of a config is a loss, or a list of losses."""
    if isinstance(value, (list, tuple)):
        return bool(value) and all(is_loss(key, each) for each in value)
    named = key.startswith("loss") or "_loss_" in key or key.endswith("_loss")
    return named and isinstance(value, dict) and "type" in value


def swapped(model: Any, slot: Slot, ours: Any, switches: tuple[str, ...] = ()) -> Any:
    """A copy of a config with our loss in every such slot.

    Args:
        model: The config.
        slot: Where.
        ours: A loss, or a list for a slot that is not one of a list.
        switches: Options of the head to set to true.
    """
    model = copy.deepcopy(model)

    def search(node: Any) -> None:
        if isinstance(node, dict):
            if str(node.get("type")) == slot.head and is_loss(slot.key, node.get(slot.key)):
                new = copy.deepcopy(ConfigDict(loss=ours).loss)
                own = node[slot.key] if slot.index is None else node[slot.key][slot.index]
                if "loss_weight" in own and isinstance(new, dict) and "loss" not in new:
                    new.loss_weight = own.loss_weight  # heads of one kind weigh theirs differently
                if slot.index is None:
                    dict.__setitem__(node, slot.key, new)
                else:
                    node[slot.key][slot.index] = new
                node.update(dict.fromkeys(switches, True))
            for value in node.values():
                search(value)
        elif isinstance(node, (list, tuple)):
            for value in node:
                search(value)

    search(model)
    return model
