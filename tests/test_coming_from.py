"""Each row of docs/coming_from.md: both calls give the same value."""

from __future__ import annotations

import importlib
import re
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

import pytest
import torch

from seglosses import losses
from tests.hosts.test_recipes import FOLDER

PAGE = Path(__file__).parents[1] / "docs" / "coming_from.md"
ROW = re.compile(r"^\| `([^`]+)`(, binary)? \| `([^`]+)` \|", re.MULTILINE)
IGNORED = 255


def sections() -> dict[str, list[tuple[str, bool, str]]]:
    """Rows of each library, by the name in its table's head."""
    found = {}
    for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        named = re.search(r"^\| ([\w.]+) \| seglosses \|", part, re.MULTILINE)
        if named:
            found[named[1]] = [(a, bool(binary), b) for a, binary, b in ROW.findall(part)]
    return found


SECTIONS = sections()
CASES = [(module, *row) for module, rows in SECTIONS.items() for row in rows]


def imported(name: str) -> ModuleType:
    """The losses of a library; those of smp without its networks, which need torchvision.

    smp may also lie among the frameworks that tools/test.sh keeps in a folder of its own. It alone
    is looked up there; what lies beside it would hide what is installed.
    """
    if name == "torch":
        return torch.nn
    top = name.partition(".")[0]
    places = [*sys.path, str(FOLDER)] if top == "segmentation_models_pytorch" else sys.path
    spec = PathFinder.find_spec(top, places)
    if spec is None:
        pytest.skip(f"{top} is not installed, nor in {FOLDER}")
    if top == "segmentation_models_pytorch" and top not in sys.modules:
        bare = ModuleType(top)
        bare.__path__ = list(spec.submodule_search_locations or ())
        sys.modules[top] = bare
        try:
            return importlib.import_module(name)
        finally:
            del sys.modules[top]
    return importlib.import_module(name)


def batch(module: str, call: str, binary: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and labels on which the conventions of the libraries differ."""
    generator = torch.Generator().manual_seed(0)
    channels = 1 if binary else 4
    logits = torch.randn(2, channels, 16, 16, generator=generator)
    labels = torch.randint(0, 2 if binary else 4, (2, 16, 16), generator=generator)
    if not binary and not module.startswith("segmentation_models"):
        labels[0][labels[0] == 3] = 1
        labels[1][labels[1] == 2] = 1
    if "ignore_index=255" in call:
        labels[:, :4] = IGNORED
    return logits, labels


def theirs(module: str, call: str, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The other library's value, in the layout that it wants."""
    names = {
        "WEIGHTS": torch.tensor([1.0, 2.0, 3.0, 4.0]),
        "THREE": torch.tensor(3.0),
    }
    loss = eval(call, vars(imported(module)) | names)
    if call.startswith("BCE"):
        return loss(logits, labels[:, None].float())
    if module.startswith("monai") or call.startswith("Binary"):
        return loss(logits, labels[:, None])
    return loss(logits, labels)


def ours(call: str, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The value of a loss of ours, or of several that are added."""
    names = {name: getattr(losses, name) for name in losses.EXPORTS}
    return sum(eval(part, names)(logits, labels) for part in call.split(" + "))


def test_all_libraries_have_rows() -> None:
    assert {name.partition(".")[0] for name in SECTIONS} == {
        "torch",
        "monai",
        "kornia",
        "segmentation_models_pytorch",
    }
    assert min(map(len, SECTIONS.values())) >= 5


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("module", "call", "binary", "own"), CASES)
def test_both_give_the_same_value(module, call, binary, own) -> None:
    logits, labels = batch(module, call, binary)
    expected = theirs(module, call, logits, labels)
    torch.testing.assert_close(ours(own, logits, labels), expected, rtol=1e-5, atol=1e-6)
