"""Names that lead elsewhere: of modules that moved before 1.0, and of what people look for below.

Whole-object pickles and imports name modules. Each old name below stands for the module at its new
place: the same module object, so that classes and registrations exist once.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

_PRIMITIVES = (
    "boxes distance encoding entropy first_order focusing foreground_focal label_edges"
    " lovasz_extension overlap reduction soft_labels soft_skeleton soft_thinning softmax_counts"
    " suppression"
)
_FAMILIES = {
    "boundary": "hausdorff structural",
    "box": "distribution quality",
    "guided": "attribution contrast distillation distillation_boundary",
    "line": "centerline centerline_boundary skeleton_aware skeleton_recall",
    "overlap": "confusion generalized jaccard_metric lovasz region",
    "pixel": "active_passive asymmetric balancing calibration calibration_kernel classification"
    " focal label_margins noise_robust",
    "topology": "released",
    "weak": "box_supervision projection pseudo_labels",
}
_RENAMED = {
    "blocks": "primitives.layout",
    "options": "primitives.checks",
    "skeleton": "topology.skeleton",
    "config_files": "hosts.config_files",
    "label_maps": "losses.label_maps",
    "listing": "catalogue.listing",
    "primitives.label_sets": "losses.weak.possible_classes",
    "statistics": "report.statistics",
    "processes": "benchmark.processes",
    "checkout": "benchmark.checkout",
    "benchmark.scores": "evaluate.mortar_folder",
    "benchmark.train": "benchmark.run",
    "openmmlab": "hosts.openmmlab",
    "losses.boundary_active": "losses.boundary.active",
    "losses.box_distance": "losses.box.distance",
    "losses.box_modified": "losses.box.modified",
    "losses.box_shape": "losses.box.shape",
    "losses.box_terms": "losses.box.terms",
    **{f"losses.topology_{name}": f"losses.topology.{name}" for name in
       ["barcodes", "bars", "cavity", "matching", "paths", "regions", "warping"]},
}  # fmt: skip
MOVED = {
    **{name: f"primitives.{name}" for name in _PRIMITIVES.split()},
    **{f"losses.{n}": f"losses.{f}.{n}" for f, names in _FAMILIES.items() for n in names.split()},
    **_RENAMED,
}
#: Modules that took over part of another one: its names of 0.1 are still found there, until 1.0.
PARTED: dict[str, tuple[str, ...]] = {
    "losses.box.shape": ("losses.box.centre",),
    "losses.line.skeleton_aware": ("losses.line.skea_topo",),
    "losses.overlap.confusion": ("losses.overlap.rates",),
    "losses.overlap.region": ("losses.overlap.tversky",),
    "losses.pixel.active_passive": ("losses.pixel.normalized",),
    "losses.pixel.calibration": ("losses.pixel.calibration_margins",),
    "losses.pixel.classification": ("losses.pixel.entropy_forms",),
}
#: Names that left a module or package which is still there: where each is now, until 1.0.
LEFT: dict[str, dict[str, str]] = {
    "benchmark.plan": {name: f"benchmark.profiles.{name}" for name in ("PROFILES", "Profile")},
    "benchmark.processes": {"last_step": "benchmark.progress.last_step"},
    "benchmark.results": {
        name: f"benchmark.cards.{name}" for name in ("PUBLISHED_SIZE", "write_at_once")
    },
    "catalogue": {name: f"catalogue.listing.{name}" for name in ("add_arguments", "run")},
    "datasets.topomortar": {"Sample": "datasets.topomortar.LabelledImage"},
    "evaluate.folders": {"SAMPLES": "evaluate.scan.SAMPLES"},
    "evaluate.pictures": {"read_photo": "evaluate.photos.read_photo"},
    "evaluate.table": {"show": "report.cells.show"},
    "evaluate.topomortar": {"NO_DISTANCE": "metrics.mortar.NO_DISTANCE"},
    "hosts.openmmlab.runs": {
        "trust_own_checkpoints": "hosts.openmmlab.checkpoints.trust_own_checkpoints"
    },
    "laws.overlap": {
        "absent_class_does_not_matter": "laws.invariance.absent_class_does_not_matter"
    },
    "losses.box": {
        **{n: f"losses.box.family.{n}" for n in ("FamilyOptions", "IoUFamilyLoss", "family_loss")},
        "Mode": "losses.box.iou.Mode",
    },
    "losses.box.quality": {"Target": "losses.rows.Target"},
    "losses.box.terms": {"ModifierOptions": "losses.box.modifiers.ModifierOptions"},
    "losses.topology.matching": {"Index": "losses.topology.matched_features.Index"},
    "losses.topology.released": {
        **{name: f"losses.compat.{name}" for name in ("Compat", "check_compat")},
        "released_depth": "losses.boundary.weighted.released_depth",
    },
    "primitives.boxes": {
        name: f"primitives.box_pairs.{name}" for name in ("BLOCK", "Reading", "per_pair")
    },
    "report.plane": {"Scale": "report.axes.Scale"},
    "report.statistics": {
        name: f"report.bootstrap.{name}"
        for name in (
            *("RESAMPLES", "UNITS", "divide"),
            *("percentile_interval", "resampled_sums", "resampled_worst"),
        )
    },
    "report.topology": {"MAX_BARS": "report.barcodes.MAX_BARS"},
    "topology.components": {
        name: f"topology.counts.{name}" for name in ("betti_numbers", "euler_number")
    },
    "topology.matching": {"Comparison": "topology.matching.Third"},
    "topology.skeleton": {"CACHE_BYTES": "topology.skeleton_memory.CACHE_BYTES"},
}
#: What a package hands on from above it, loaded when it is asked for: the first that is installed.
ABOVE: dict[str, tuple[str, ...]] = {
    "metrics.Scores": ("hosts.torchmetrics", "evaluate.accumulator")
}


def from_above(package: str, name: str) -> Any:
    """What a package hands on without importing it.

    Args:
        package: Full name of the package.
        name: Name in it.

    Returns:
        The object of that name.

    Raises:
        AttributeError: When the package hands on no such name.
    """
    places = ABOVE.get(f"{package.partition('.')[2]}.{name}", ())
    for place in places:
        try:
            return getattr(importlib.import_module(f"seglosses.{place}"), name)
        except ModuleNotFoundError as error:
            if place == places[-1] or (error.name or "seglosses").startswith("seglosses"):
                raise
    raise AttributeError(f"module {package!r} has no attribute {name!r}")


def new_name(name: str) -> str | None:
    """Where a module of an old name lies now, or nothing.

    Example:
        >>> new_name("seglosses.boxes"), new_name("seglosses.openmmlab.nms")
        ('seglosses.primitives.boxes', 'seglosses.hosts.openmmlab.nms')
        >>> new_name("seglosses.losses"), new_name("numpy")
        (None, None)
    """
    package, _, inner = name.partition(".")
    if package != "seglosses":
        return None
    if inner in MOVED:
        return f"seglosses.{MOVED[inner]}"
    if inner.startswith("openmmlab."):
        return f"seglosses.hosts.{inner}"
    return None


def _of_heirs(module: str, heirs: Sequence[str], name: str) -> Any:
    """A public name that a module of 0.1 had, from those that took over part of it."""
    for heir in heirs:
        found = vars(importlib.import_module(f"seglosses.{heir}"))
        if name in found.get("__all__", ()):
            return found[name]
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


def _left(module: str, name: str) -> Any:
    """A name of 0.1 that has left a module, from where it is now."""
    place = LEFT[module].get(name)
    if place is None:
        raise AttributeError(f"module 'seglosses.{module}' has no attribute {name!r}")
    home, _, now = place.rpartition(".")
    return getattr(importlib.import_module(f"seglosses.{home}"), now)


class _WithLeft(SourceFileLoader):
    """Loads a module as always; names that have left it are then still found in it."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        inner = module.__name__.partition(".")[2]
        module.__dict__.setdefault("__getattr__", partial(_left, inner))


class _Alias(Loader):
    """Hands out the module at its new place, unchanged."""

    def __init__(self, target: str) -> None:
        self.target = target

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.target)
        self.own = module.__spec__
        heirs = PARTED.get(self.target.partition(".")[2])
        if heirs is not None:
            module.__dict__.setdefault("__getattr__", partial(_of_heirs, self.target, heirs))
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.own  # the import system has put the alias there


class OldNames(MetaPathFinder):
    """Finds modules by the names that they had before they moved."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of an alias for an old ``name``, or of a module that names have left."""
        place = new_name(name)
        if place is not None:
            return ModuleSpec(name, _Alias(place))
        package, _, inner = name.partition(".")
        if package != "seglosses" or inner not in LEFT:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _WithLeft(spec.loader.name, spec.loader.path)
        return spec


def install() -> None:
    """Let old names be imported; once."""
    if not any(isinstance(finder, OldNames) for finder in sys.meta_path):
        sys.meta_path.insert(0, OldNames())
