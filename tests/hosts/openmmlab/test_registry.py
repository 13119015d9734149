"""type='seglosses.X' works everywhere with no custom_imports, and nobody's own names change.

Each library is asked in a process of its own: in this one seglosses is imported already.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

# Prints, for each (registry, type), the class that was built. An unscoped DiceLoss is asked for
# last, when ours is surely registered.
BUILD = """
import json, sys, warnings
warnings.simplefilter("ignore")
from mmengine.registry import MODELS, init_default_scope
library = {library!r}
registries = dict(root=MODELS)
if library:
    __import__(library + ".models")
    registries["own"] = __import__(library + ".registry", fromlist=["MODELS"]).MODELS
    init_default_scope(library)
assert "seglosses" not in sys.modules
built = dict()
for name in ("seglosses.DiceLoss", *(["DiceLoss"] if library else [])):
    for place, registry in registries.items():
        if place == "own" or name.startswith("seglosses."):
            loss = registry.build(dict(type=name))
            built[place + " " + name] = type(loss).__module__
loaded = sorted(set(sys.modules) & {{"mmcv", "mmseg", "mmdet"}})
print(json.dumps([built, loaded]))
"""


def ask(library):
    done = subprocess.run(
        [sys.executable, "-c", BUILD.format(library=library)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_registry_imports_directly():
    # An ImportError inside it would be swallowed by mmengine and look like an unknown name.
    registry = importlib.import_module("seglosses.registry")
    for name in ("MODELS", "METRICS", "HOOKS", "DATASETS", "TRANSFORMS", "TASK_UTILS"):
        assert getattr(registry, name).scope == "seglosses"


def test_plain_mmengine_needs_no_other_library():
    built, loaded = ask("")
    assert built == {"root seglosses.DiceLoss": "seglosses.losses.overlap.region"}
    assert loaded == []


@pytest.mark.parametrize("library", ["mmseg", "mmdet"])
def test_prefixed_names_are_ours_and_bare_names_theirs(library):
    built, _ = ask(library)
    assert built == {
        "root seglosses.DiceLoss": "seglosses.losses.overlap.region",
        "own seglosses.DiceLoss": "seglosses.losses.overlap.region",
        "own DiceLoss": f"{library}.models.losses.dice_loss",
    }


def test_bare_name_is_unknown_to_mmengine_itself():
    # Nothing of ours may sit in the root registry, where it would shadow nothing and confuse all.
    from mmengine.registry import HOOKS, METRICS, MODELS

    importlib.import_module("seglosses.hosts.openmmlab")
    for registry, name in (
        (MODELS, "TverskyLoss"),
        (HOOKS, "LossWeightSchedule"),
        (METRICS, "WritePredictions"),
    ):
        assert name not in registry.module_dict


def test_every_loss_is_registered_under_its_name():
    from seglosses.catalogue import loss_classes
    from seglosses.registry import MODELS

    importlib.import_module("seglosses.hosts.openmmlab")
    for name, member in loss_classes().items():
        assert MODELS.module_dict[name] is member
