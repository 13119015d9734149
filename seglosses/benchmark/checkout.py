"""The project's configs and tools, which lie beside the package in a clone."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def need_checkout() -> None:
    """Say what to do where the configs and tools are not there.

    Raises:
        ValueError: The package was installed without them.
    """
    if not (ROOT / "tools" / "train.py").is_file():
        raise ValueError(
            "trainings need the project's configs/ and tools/, which are not beside the installed"
            " package; clone the project and run `pip install -e .` there"
        )


def need_mixins(names: list[str]) -> None:
    """Check names of loss mix-ins before anything runs.

    Raises:
        ValueError: A name is unknown or given twice, or there is none.
    """
    known = sorted(path.stem for path in (ROOT / "configs" / "losses").glob("*.py"))
    unknown = [name for name in names if name not in known]
    if unknown or len(set(names)) != len(names) or not names:
        raise ValueError(
            f"expected different losses among {', '.join(known)}; got {', '.join(names) or 'none'}"
        )


def commit() -> str:
    """The commit of the clone, with ``+`` where files differ from it; nothing outside of git."""
    words = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=40", "--dirty=+"]
    words.append("--exclude=*")
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def digest(folder: Path, pattern: str, *, contents: bool) -> str:
    """Checksum of the names in a folder, with the files' contents or, for many, their sizes."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob(pattern)):
        total.update(path.relative_to(folder).as_posix().encode())
        total.update(path.read_bytes() if contents else str(path.stat().st_size).encode())
    return total.hexdigest()[:16]
