"""Every loss on the emulated accelerator, beside the CPU: ``python -m tests.devices.walk``.

With ``narrow`` as a last word it is one like Apple's, without float64 and assertions.

Prints JSON: for each loss and variant the error, if any, the differences of value and gradients
from the CPU, and what was copied and waited for, first call and later ones.
"""

from __future__ import annotations

import copy
import json
import os
import sys
from typing import Any

from tests.devices.emulated import Ledger, ledger, on_paper  # isort: skip  before any backward

import torch
from torch import Tensor

from seglosses.catalogue import loss_classes
from seglosses.primitives import attention, device
from tests.devices.cases import VARIANTS, Case, case


def events(found: Ledger) -> dict[str, Any]:
    """The ledger as JSON."""
    return {
        "down": found.count("down"),
        "up": found.count("up"),
        "waiting": found.count("wait", "up, waiting"),
        "missing": found.count("double", "assertion"),
        "launches": found.launches,
        "bytes": found.bytes,
        "events": sorted([*key, n] for key, n in found.events.items()),
    }


def difference(here: Tensor, there: Tensor) -> float:
    """Largest, relative to the largest number."""
    there = getattr(there, "numbers", there).detach()
    if not here.numel():
        return float(here.shape != there.shape)
    return float((here - there).abs().max() / here.abs().max().clamp(min=1e-6))


def run(cls: type, variant: str, calls: int) -> dict[str, Any] | None:
    """One loss in one variant."""
    here = case(cls, variant)
    if here is None:
        return None
    # as they were before any call, for running means
    there = Case(copy.deepcopy(here.loss), here.tensors).moved(on_paper)
    result: dict[str, Any] = {}
    try:
        value = here.value()
        grads = here.gradients()
    except ValueError as error:
        return {"refused": str(error).splitlines()[0]}
    except Exception as error:
        return {"error": f"on the CPU: {type(error).__name__}: {error}"}
    try:
        with ledger() as first:
            on_device = there.value()
        with ledger() as rest:
            pass
        for _ in range(calls):
            with ledger() as rest:
                there.gradients()
            result["gradients"] = {
                k: difference(g, there.tensors[k].grad) for k, g in grads.items()
            }
            for each in there.tensors.values():
                each.grad = None
        for each in (first, rest):
            for kind, operation, line in each.events:
                if kind == "no kernel":
                    result["error"] = f"CUDA has no {operation}, {line}"
        result["first"] = events(first)
        result["value"] = difference(value.detach(), on_device)
        result["later"] = events(rest)
    except Exception as error:  # whatever goes wrong is what the walk is for
        result["error"] = f"{type(error).__name__}: {error}"
    return result


def main() -> None:
    """Losses and variants may be named, with commas."""
    torch.manual_seed(0)
    if sys.argv[3:] == ["narrow"]:
        device.NARROW |= {"paper"}
        attention.NARROW_ASSERTS = (99, 0)
    chosen = sys.argv[1].split(",") if len(sys.argv) > 1 and sys.argv[1] else list(loss_classes())
    variants = sys.argv[2].split(",") if len(sys.argv) > 2 else VARIANTS
    found = {
        name: {v: r for v in variants if (r := run(loss_classes()[name], v, 1)) is not None}
        for name in chosen
    }
    json.dump(found, sys.stdout)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
