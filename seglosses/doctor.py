"""``seglosses doctor``: which libraries are installed, and which versions do not fit together."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

_SHOWN = ("seglosses", "torch", "numpy", "numba", "scipy", "scikit-image", "setuptools")
# Import name -> distributions that install it: upstream's, lite's and the onedl family's.
_OWNERS = {
    "mmengine": ("mmengine", "mmengine-lite", "onedl-mmengine"),
    "mmcv": ("mmcv", "mmcv-lite", "mmcv-full", "onedl-mmcv"),
    "mmseg": ("mmsegmentation", "onedl-mmsegmentation"),
    "mmdet": ("mmdet", "onedl-mmdetection"),
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and what to do about it."""

    trouble: str
    remedy: str


def requirements() -> dict[str, str]:
    """The oldest version of each distribution that this package needs; nothing in a bare clone.

    Example:
        >>> requirements().get("torch", "2.4")
        '2.4'
    """
    try:
        declared = metadata.requires("seglosses") or []
    except metadata.PackageNotFoundError:
        return {}
    floors = (re.fullmatch(r"([\w.-]+)\s*>=\s*([\d.]+)", line) for line in declared)
    return {floor[1]: floor[2] for floor in floors if floor}


def installed() -> dict[str, str]:
    """Version of every distribution that matters here and is installed."""
    names = [*_SHOWN, *requirements(), *(name for owners in _OWNERS.values() for name in owners)]
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def examine(
    versions: Mapping[str, str], *, mmcv_ops: str | None, floors: Mapping[str, str] | None = None
) -> list[Finding]:
    """What is wrong with a mixture of versions.

    Args:
        versions: Installed distributions, as :func:`installed` gives them.
        mmcv_ops: Why mmcv's compiled ops do not load; ``None`` when they do.
        floors: The oldest versions that fit, as :func:`requirements` gives them.

    Example:
        >>> mixed = {'mmengine': '0.10.7', 'onedl-mmengine': '0.10.12'}
        >>> [finding.trouble for finding in examine(mixed, mmcv_ops=None)]
        ['mmengine and onedl-mmengine both install the module mmengine']
    """
    findings = [
        Finding(
            f"{name} is not installed, which seglosses needs"
            if name not in versions
            else f"{name} {versions[name]} is older than seglosses needs",
            f"pip install '{name}>={floor}'",
        )
        for name, floor in (floors or {}).items()
        if _release(versions.get(name, "")) < _release(floor)
    ]
    for module, owners in _OWNERS.items():
        present = [name for name in owners if name in versions]
        if len(present) > 1:
            findings.append(
                Finding(
                    f"{' and '.join(present)} both install the module {module}",
                    f"their files are mixed: pip uninstall {' '.join(present)}, then install one",
                )
            )
    upstream_seg = [name for name in ("mmsegmentation", "mmdet") if name in versions]
    mmcv = next((versions[name] for name in _OWNERS["mmcv"] if name in versions), None)
    if upstream_seg and mmcv is not None and _release(mmcv) >= (2, 2):
        findings.append(
            Finding(
                f"{' and '.join(upstream_seg)} refuse mmcv {mmcv}: they want mmcv < 2.2.0",
                "install mmcv 2.1.0, or the onedl family (extra onedl-seg or onedl-det)",
            )
        )
    if "mmengine" in versions and _release(versions.get("setuptools", "0")) >= (82,):
        findings.append(
            Finding(
                f"mmengine {versions['mmengine']} imports pkg_resources, which setuptools"
                f" {versions['setuptools']} no longer has",
                "pip install 'setuptools<81', or use onedl-mmengine",
            )
        )
    if mmcv is not None and mmcv_ops is not None:
        needs = [name for name in ("mmdet", "onedl-mmdetection", "mmsegmentation")]
        hurt = [name for name in needs if name in versions]
        if hurt:
            findings.append(
                Finding(
                    f"mmcv {mmcv} has no compiled ops ({mmcv_ops}), which {' and '.join(hurt)}"
                    " need",
                    "build mmcv with --no-build-isolation after torch; plain pip leaves them out",
                )
            )
    return findings


def _release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: '2.13.0+cpu' is (2, 13, 0)."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def _family(versions: Mapping[str, str]) -> str:
    present = [name for owners in _OWNERS.values() for name in owners if name in versions]
    if not present:
        return "none (seglosses.losses works without; configs need an extra such as onedl-seg)"
    kinds = {"onedl" if name.startswith("onedl-") else "upstream" for name in present}
    return " and ".join(sorted(kinds)) + ": " + ", ".join(f"{n} {versions[n]}" for n in present)


def _mmcv_ops() -> str | None:
    """Why ``mmcv._ext`` does not load, or ``None``."""
    if importlib.util.find_spec("mmcv") is None:
        return "mmcv is not installed"
    try:
        importlib.import_module("mmcv._ext")
    except ImportError as error:
        return str(error)
    return None


def _device() -> str:
    """What torch computes on.

    Raises:
        ImportError: Torch is not there, or a part of it.
        OSError: A library of it does not load.
    """
    import torch

    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()} (CUDA {torch.version.cuda})"
    return f"CPU, {torch.get_num_threads()} threads"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``seglosses doctor`` takes no arguments; its status is 1 when something is wrong."""
    parser.epilog = "Exit status 1 when something is wrong."


def run(args: argparse.Namespace) -> int:
    """Print what is installed and what is wrong with it."""
    versions, ops, torch_fails = installed(), _mmcv_ops(), None
    try:
        device = _device()
    except (ImportError, OSError) as error:
        device = torch_fails = f"torch does not load: {error}"
    # without torch no ops load either, and say nothing
    findings = examine(versions, mmcv_ops=None if torch_fails else ops, floors=requirements())
    if torch_fails and "torch" in versions:
        findings.append(Finding(torch_fails, "install torch anew: https://pytorch.org"))
    print(f"python        {platform.python_version()} on {platform.system()} {platform.machine()}")
    missing = [name for name in requirements() if name not in {*versions, *_SHOWN}]
    for name in (*_SHOWN, *missing):
        print(f"{name:<13} {versions.get(name, 'not installed')}")
    print(f"device        {device}")
    print(f"OpenMMLab     {_family(versions)}")
    print(f"mmcv ops      {'compiled' if ops is None else ops}")
    for finding in findings:
        print(f"\nwrong: {finding.trouble}\n  do:  {finding.remedy}")
    count = "1 thing is" if len(findings) == 1 else f"{len(findings)} things are"
    print(f"\n{count} wrong" if findings else "\nnothing is wrong")
    return 1 if findings else 0
