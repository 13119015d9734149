"""Options other than the defaults, for every class that has a function beside it."""

from __future__ import annotations

import typing
from typing import Any

from seglosses import losses
from seglosses.catalogue import loss_classes
from seglosses.losses.rows import BoxLoss
from tests.reference.pair_inputs import SPECIAL, parameters
from tests.reference.pairs import PAIRS

#: Values of options whose default says too little.
ODD: dict[str, object] = {
    "alpha": 0.35,
    "window": 7,
    "threads": 1,
    "weights": (0.7, 1.9),
    "interval": (0.1, 0.9),
    "image_size": (9, 31),
    "spacing": (1.0, 2.5),
    "axes": [1, 2],
    "betti": (2, 1),
    "connectivity": 8,
    "version": 2,
    "denominator": "all",
    "prior": [0.2, 0.3, 0.5],
    "tau": 0.6,
    "min_length": 0.2,
}


ODD_OF: dict[tuple[str, str], object] = {
    ("HausdorffDTLoss", "alpha"): 1.3,
    ("LogHausdorffDTLoss", "alpha"): 1.3,
    ("SSIMLoss", "window"): 5,
    ("MultiScaleSSIMLoss", "window"): 5,
    ("MultiScaleSSIMLoss", "scales"): (0.3, 0.7),
    ("GatedCRFLoss", "sigma_colour"): 9.0,
    ("VarifocalLoss", "alpha"): 0.35,
    ("TotalPersistenceLoss", "order"): 1.7,
    ("HierarchicalCrossEntropyLoss", "groups"): [[[0, 1]]],
    ("InteractionCrossEntropyLoss", "exclusion"): [(0, 1)],
    ("InteractionCrossEntropyLoss", "inclusion"): [(1, 2)],
    ("BettiMatchingLoss", "filtration"): "both",
} | {
    (name, "alpha"): 2.5
    for name, member in loss_classes().items()
    if issubclass(member, BoxLoss)
}  # fmt: skip


SHARED = {"reduction", "loss_weight", "loss_name", "use_sigmoid", "ignore_index", "class_weight"}
SHARED |= {"avg_non_ignore", "classes", "average", "sync", "activated", "compat"}


def odd_options(name: str) -> dict[str, Any]:
    """Other values than the defaults of all options that the function knows too."""
    cls, function = loss_classes()[name], getattr(losses, PAIRS[name])
    own: dict[str, Any] = {}
    for member in reversed(cls.__mro__):
        if member.__module__.startswith("seglosses.losses."):
            own |= parameters(member.__init__) if "__init__" in vars(member) else {}
    known = set(parameters(function)) | {"inner_ratio", "interval", "alpha", "focal_gamma"}
    if name in SPECIAL:
        known |= set(parameters(SPECIAL[name])) | {"spacing"}
    hints = typing.get_type_hints(cls.__init__)
    odd = {}
    for option, parameter in own.items():
        if option in SHARED or option not in known or parameter.kind is parameter.VAR_KEYWORD:
            continue
        given = ODD_OF.get((name, option), ODD.get(option))
        if given is None:
            given = other(parameter.default, hints.get(option))
        if given is not None:
            odd[option] = given
    return odd


def other(default: Any, hint: Any) -> Any:
    """Another value than the default, of the same kind."""
    if isinstance(default, bool):
        return not default
    if isinstance(default, int):
        return default + 1
    if isinstance(default, float):
        return 0.8 * default + 0.07
    words = [word for word in typing.get_args(hint) if isinstance(word, str) and word != default]
    return words[0] if words else None
