"""Every printed config is built, and called on an output of the right shape."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import seglosses.advise
from seglosses.advise.printing import configs, mmseg, nnunet
from seglosses.advise.printing import torch as plain
from seglosses.advise.profile import Annotators, Files, Profile
from seglosses.advise.proposal import Proposal, propose
from seglosses.advise.terms import COSTS, Term
from tests.advise.made import (
    cells,
    errors,
    lesion,
    line,
    net,
    organ,
    profile,
    ring,
    skewed,
    sometimes,
    tree,
    uneven,
)


def beside(*makers: Callable[[int], NDArray[np.integer]]) -> Callable[[int], NDArray[np.integer]]:
    """Label maps side by side, each a class of its own."""

    def make(index: int) -> NDArray[np.integer]:
        maps = [(at + 1) * (maker(index) > 0) for at, maker in enumerate(makers)]
        return np.concatenate(maps, axis=1)

    return make


def deep(make: Callable[[int], NDArray[np.integer]]) -> Callable[[int], NDArray[np.integer]]:
    """Label maps as three slices of a volume, with nothing above and below."""

    def volume(index: int) -> NDArray[np.integer]:
        return np.pad(np.stack([make(index)[:48, :48]] * 3), ((2, 2), (0, 0), (0, 0)))

    return volume


def tubes(index: int) -> NDArray[np.uint8]:
    labels = np.zeros((16, 24, 48), np.uint8)
    labels[7:10, 4 + index % 3 : 7 + index % 3, 2:46] = 1
    labels[7:10, 16:19, 2:46] = 1
    return labels


ALL = {"breaks": 4.0, "missed": 4.0, "leak": 9.0, "gap": 9.0}
MAKERS = {
    "net": (net, 2),
    "line": (line, 2),
    "tree": (tree, 2),
    "organ": (organ, 2),
    "ring": (ring, 2),
    "cells": (cells, 2),
    "lesion": (lesion, 2),
    "sometimes": (sometimes, 2),
    "uneven": (uneven, 2),
    "skewed": (skewed, 3),
    "net and organ": (beside(net, organ), 3),
    "tree and ring": (beside(tree, ring), 3),
    "rings and net": (beside(ring, net, ring), 4),
    "tubes": (tubes, 2),
    "deep tree": (deep(tree), 2),
    "deep net": (deep(net), 2),
    "deep ring": (deep(ring), 2),
    "deep net and lesion": (deep(beside(net, lesion)), 3),
}
FILES = {
    "": Files(),
    "ignores 254": Files(ignore_index=254),
    "far slices": Files(spacing=(0.5, 0.7, 5.0), backwards=True),
}


def folders() -> dict[str, Profile]:
    found = {}
    for name, (make, classes) in MAKERS.items():
        one = profile(make, classes)
        wrong = {each.index: [errors(ALL)] * 12 for each in one.classes}
        for how, files in FILES.items():
            flat = replace(files, spacing=files.spacing and files.spacing[-one.ndim :])
            found[f"{name} {how}"] = replace(one, files=flat)
            found[f"{name} {how}, predictions"] = replace(one, files=flat, errors=wrong)
    doubted = Annotators(images=12, dice=0.7, rim=0.9)
    found["doubted"] = profile(organ, annotators=doubted)
    return found


FOLDERS = folders()


def called(losses: list[torch.nn.Module], classes: int, ndim: int, ignored: int | None) -> None:
    shape = (2, classes) + (24,) * ndim
    labels = torch.randint(classes, (2, *shape[2:]))
    if ignored is not None:
        labels[..., :2] = ignored
    for loss in losses:
        logits = torch.randn(shape, requires_grad=True)
        loss.set_progress(1.0)
        value = loss(logits, labels)
        value.backward()
        assert bool(value.isfinite()), type(loss).__name__
        assert logits.grad is not None
        assert bool(logits.grad.isfinite().all()), type(loss).__name__


def ignored_by(found: Proposal) -> int:
    return 255 if found.files.ignore_index is None else found.files.ignore_index


@pytest.mark.parametrize("name", FOLDERS)
def test_every_printed_config_takes_an_output_of_its_shape(name: str) -> None:
    from seglosses.hosts.nnunet.spec import Task, build_losses, read_losses

    found = propose(FOLDERS[name])
    classes, ignored = FOLDERS[name].num_classes, ignored_by(found)
    scope: dict[str, list[torch.nn.Module]] = {}
    exec(plain(found), scope)
    called(scope["losses"], classes, found.ndim, ignored)
    text = nnunet(found)
    listed = read_losses(text[text.index("'") + 1 : text.rindex("'")])
    built = build_losses(listed, Task(heads=classes, dims=found.ndim))
    called(built, classes, found.ndim, None)
    pytest.importorskip("mmengine")
    from mmengine.config import Config

    from seglosses.registry import MODELS

    config = Config.fromstring(mmseg(found), file_format=".py")
    called([MODELS.build(one) for one in config.loss_decode], classes, 2, 255)


def test_numbers_of_volumes_are_left_out_of_the_config_for_slices() -> None:
    found = propose(profile(tubes))
    assert "TopologicalPriorLoss" in [term.loss for term in found.terms]
    text = mmseg(found)
    assert 'type="seglosses.TopologicalPriorLoss"' not in text
    assert "# left out: TopologicalPriorLoss(betti=[2, 0, 0])" in text
    assert "custom_hooks" not in text  # nothing is left that changes its weight
    assert "TopologicalPriorLoss(betti=[2, 0, 0]" in plain(found)


def test_spacing_is_printed_in_the_order_of_each_framework() -> None:
    far = {1: [errors({"leak": 9.0})] * 12}
    nifti = replace(profile(deep(organ), errors=far), files=FILES["far slices"])
    found = propose(nifti)
    assert "LogHausdorffDTLoss(spacing=[0.5, 0.7, 5.0]" in plain(found)
    assert "along X, Y, Z, as nibabel and MONAI" in plain(found)
    assert "logits (N, C, X, Y, Z)" in plain(found)
    assert '"spacing": [5.0, 0.7, 0.5]' in nnunet(found)  # SimpleITK's order
    # slices across the longest edge, whose rows are along Y
    assert "# spacing: edges of a pixel along rows, columns" in mmseg(found)
    assert "spacing=[0.7, 0.5]" in mmseg(found)
    # files whose arrays are slices, rows, columns; the longest edge is nnU-Net's first axis
    arrays = replace(nifti, files=Files(spacing=(0.5, 5.0, 0.7)))
    assert "spacing=[0.5, 5.0, 0.7]" in plain(propose(arrays))
    assert '"spacing": [5.0, 0.5, 0.7]' in nnunet(propose(arrays))
    # edges that are alike change nothing
    cubes = propose(replace(nifti, files=Files(spacing=(0.7, 0.7, 0.7))))
    assert "spacing" not in "".join(configs(cubes).values())


def test_another_ignored_value_is_printed_and_nnunet_knows_its_own() -> None:
    found = propose(replace(profile(net), files=Files(ignore_index=254)))
    # a head gives its own value with every call, and padding has it too
    assert "write 255 in place of 254" in mmseg(found)
    assert "ignore_index" not in mmseg(found)
    assert plain(found).count("ignore_index=254") == len(found.terms)
    assert "ignore_index" not in nnunet(found)
    usual = propose(replace(profile(net), files=Files(ignore_index=255)))
    assert "ignore_index" not in "".join(configs(usual).values())


def test_matching_of_volumes_gets_a_crop_and_its_note_from_predictions_too() -> None:
    broken = {1: [errors({"breaks": 4.0})] * 12}
    for known in (profile(deep(net)), profile(deep(organ), errors=broken)):
        found = propose(known)
        (term,) = [one for one in found.terms if one.loss == "BettiMatchingLoss"]
        assert term.options["crop"] == 64
        assert "in a crop of 64" in term.cost(3)
        assert any("`crop=64`" in note for note in found.notes)
        assert "crop=64" in plain(found)
        assert "crop" not in mmseg(found)
    flat = propose(profile(net))
    assert "crop" not in plain(flat)
    assert not any("crop=" in note for note in flat.notes)


def test_every_loss_that_can_be_proposed_has_a_measured_cost() -> None:
    named = set()
    for path in Path(seglosses.advise.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Term":
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    named.add(first.value)
    assert {"CrossEntropyLoss", "TverskyLoss", "LogHausdorffDTLoss", "BettiMatchingLoss"} <= named
    for loss in named:
        for low, high in COSTS[loss]:
            assert 0 < low <= high
    # every proposal of these folders can say what it costs
    assert all(
        "times CE + Dice" in term.cost(known.ndim)
        for known in FOLDERS.values()
        for term in propose(known).terms
    )


def test_costs_are_those_of_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "speed.md").read_text("utf-8")
    section = page.split("### What advise proposes", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in section.splitlines()]
    shown = {row[0]: tuple(row[-2:]) for row in rows if len(row) > 2 and row[0] in COSTS}

    def said(ends: tuple[float, float]) -> str:
        low, high = ends
        return f"{low:g}" if low == high else f"{low:g} to {high:g}"

    assert shown == {name: tuple(said(ends) for ends in both) for name, both in COSTS.items()}


def test_costs_of_volumes_are_not_those_of_images() -> None:
    term = Term("BettiMatchingLoss", 0.02)
    assert term.cost(3) != term.cost()
    few, many = (Term("SoftClDiceLoss", options={"iterations": count}) for count in (3, 8))
    assert few.cost() != many.cost()
    smooth = Term("CrossEntropyLoss", options={"boundary_smoothing": 0.5})
    assert smooth.cost() != Term("CrossEntropyLoss").cost()


def test_json_holds_the_configs() -> None:
    from seglosses.advise.command import as_dict

    found = propose(FOLDERS["net "])
    known = json.loads(json.dumps(as_dict(FOLDERS["net "], found)))["configs"]
    assert known == {
        "mmsegmentation": mmseg(found),
        "pytorch": plain(found),
        "nnunet": nnunet(found),
    }
