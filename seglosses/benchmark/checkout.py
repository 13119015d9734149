"""What is checked before a campaign, and what a run card says of the code and of the data."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seglosses.datasets.topomortar import SPLITS
from seglosses.hosts.config_files import mixin_names

ROOT = Path(__file__).parents[2]

# What mmengine's Runner reads of a config and what changes a result.
READ = (
    "model", "data_preprocessor", "compile", "load_from", "randomness", "env_cfg", "default_scope",
    "train_dataloader", "val_dataloader", "test_dataloader", "train_cfg", "val_cfg", "test_cfg",
    "val_evaluator", "test_evaluator", "optim_wrapper", "param_scheduler", "auto_scale_lr",
    "default_hooks", "custom_hooks", "custom_imports",
)  # fmt: skip


def need_mixins(names: list[str], others: Sequence[str] = ()) -> None:
    """Check names of loss mix-ins, or paths of such files, before anything runs.

    Args:
        names: As on the command line.
        others: Names that stand for no mix-in and are taken too.

    Raises:
        ValueError: A name is unknown or given twice, there is none, or a file is no Python.
    """
    known = [*others, *mixin_names()]
    for name in filter(is_mixin_file, names):
        try:
            ast.parse(Path(name).read_bytes(), name)
        except (SyntaxError, ValueError) as error:
            line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
            raise ValueError(f"{name}{line}: {getattr(error, 'msg', error)}") from error
    unknown = [name for name in names if name not in known and not is_mixin_file(name)]
    if unknown or len({mixin_stem(name) for name in names}) != len(names) or not names:
        raise ValueError(
            f"expected different losses among {', '.join(known)}, or paths of .py files;"
            f" got {', '.join(names) or 'none'}"
        )


def is_mixin_file(name: str) -> bool:
    """Whether a loss is given as a file of one's own, such as `seglosses advise` writes.

    Args:
        name: As on the command line.
    """
    return name.endswith(".py") and Path(name).is_file()


def mixin_stem(name: str) -> str:
    """What the runs of a mix-in are called.

    Args:
        name: Of a mix-in, or the path of one.

    Example:
        >>> mixin_stem("ce_dice"), mixin_stem("advice/advised.py")
        ('ce_dice', 'advised')
    """
    return Path(name).stem if name.endswith(".py") else name


def commit() -> str:
    """The commit of the clone, with ``+`` where files differ from it; nothing outside of git."""
    if not (ROOT / ".git").exists():  # an installed package may lie in somebody else's clone
        return ""
    words = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=40", "--dirty=+"]
    words.append("--exclude=*")
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def digest(folder: Path) -> str:
    """Checksum of the names and sizes of the images and labels in a folder.

    Args:
        folder: In the TopoMortar layout; what lies beside its splits, such as predictions, does
            not count.

    Returns:
        16 letters.
    """
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*.png")):
        name = path.relative_to(folder)
        if name.parts[0] in SPLITS:
            total.update(name.as_posix().encode())
            total.update(str(path.stat().st_size).encode())
    return total.hexdigest()[:16]


def what_counts(config: dict[str, Any]) -> str:
    """The part of a config that decides what a training gives, as text.

    A config keeps the names with which it builds others (``crop_size``, ``train_pipeline``), and
    its keys in the order of its files; neither changes a training, nor does the folder of results.

    Args:
        config: A whole config of mmengine, as a dict.

    Returns:
        Equal for configs that train and test alike.

    Example:
        >>> what_counts({"model": {"b": 1, "a": (2,)}, "crop_size": 3, "work_dir": "runs"})
        '{"model": {"a": [2], "b": 1}}'
    """
    return json.dumps(
        {key: config[key] for key in READ if key in config}, sort_keys=True, default=repr
    )
