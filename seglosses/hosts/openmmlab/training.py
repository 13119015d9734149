"""One run from its config to predictions on disk, and what it cost."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from seglosses.hosts.cost import device_name, loss_curve, peak_memory, whole_lines
from seglosses.hosts.openmmlab.checkpoints import damage, guard
from seglosses.hosts.openmmlab.runner import CheckedRunner


def build_losses(cfg: Config) -> None:
    """Build the losses of a segmentation config as its training will, to see whether it can.

    Args:
        cfg: Composed; not changed.

    Raises:
        Exception: What the training would raise: of a name that is in no registry, of an option.
    """
    given = cfg.model.decode_head.loss_decode
    # for these alone: what the process builds later may be of another library
    with DefaultScope.overwrite_default_scope(cfg.get("default_scope", "mmengine")):
        for loss in given if isinstance(given, list | tuple) else [given]:
            MODELS.build(loss)


def train_and_test(config: Path, out: Path) -> dict[str, Any]:
    """Train to the end, from the newest sound checkpoint in ``work_dir``, if any, and test.

    Args:
        config: File of a composed config; its training counts iterations.
        out: Folder for ``predictions/``, ``labels/`` and ``images/``, see
            :class:`seglosses.hosts.openmmlab.predictions.WritePredictions`.

    Returns:
        ``seconds_per_iteration`` (median of what mmengine logged), ``peak_memory_mib`` (of the
        GPU where one trains, otherwise of the process), ``device`` and ``loss_curve`` (see
        :func:`seglosses.hosts.cost.loss_curve`).
    """
    cfg = Config.fromfile(str(config))
    work_dir = Path(cfg.work_dir)
    last = work_dir / f"iter_{cfg.train_cfg.max_iters}.pth"
    given = cfg.test_evaluator
    writer = {"type": "seglosses.WritePredictions", "out_dir": str(out)}
    cfg.test_evaluator = [*(given if isinstance(given, list) else [given]), writer]
    memory = work_dir / "memory.json"
    guard(trust=False)
    if last.is_file() and damage(last) is None:
        cfg.load_from = str(last)
        CheckedRunner.from_cfg(cfg).test()
    else:
        cfg.resume = True
        runner = CheckedRunner.from_cfg(cfg)
        runner.train()
        memory.write_text(json.dumps({"peak_memory_mib": peak_memory()}), encoding="utf-8")
        runner.test()
    # A run that was interrupted after its training has tested in another process.
    known = json.loads(memory.read_text(encoding="utf-8")) if memory.is_file() else {}
    return {
        "seconds_per_iteration": seconds_per_iteration(work_dir),
        "peak_memory_mib": known.get("peak_memory_mib", peak_memory()),
        "device": device_name(),
        "loss_curve": loss_curve(logged_losses(work_dir), cfg.train_cfg.max_iters),
    }


def seconds_per_iteration(work_dir: Path) -> float:
    """Median of the iteration times in the logs, resumed trainings included.

    Raises:
        ValueError: Nothing was logged.
    """
    times = [float(entry["time"]) for entry in _logged(work_dir) if "time" in entry]
    if not times:
        raise ValueError(f"no iteration time in the logs below {work_dir}; train again")
    return statistics.median(times)


def logged_losses(work_dir: Path) -> dict[int, float]:
    """Training loss by iteration, from the logs; a resumed training replaces what it repeats."""
    return {int(entry["step"]): float(entry["loss"]) for entry in _logged(work_dir)}


def _logged(work_dir: Path) -> Iterator[dict[str, Any]]:
    """What mmengine wrote of training iterations, the oldest first, without lines cut off."""
    for path in sorted(work_dir.glob("*/vis_data/scalars.json")):
        yield from (entry for entry in whole_lines(path) if "loss" in entry)
