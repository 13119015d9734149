"""The record that a generated data set keeps of itself: its parameters and a checksum per file."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

NAME = "manifest.json"


def checksum(path: str | Path) -> str:
    """SHA-256 of a file, hexadecimal.

    Args:
        path: A file.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_file(Path(folder) / "empty", b"")
        ...     checksum(Path(folder) / "empty")[:8]
        'e3b0c442'
    """
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, so that an interruption leaves no half file.

    Args:
        path: Where; folders are made.
        content: All of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)


def write_manifest(root: Path, parameters: dict[str, Any], files: dict[str, str]) -> None:
    """Record the parameters and, once a data set is complete, the checksum of each file.

    Args:
        root: Folder of the data set.
        parameters: What it was made with.
        files: Checksum by path; empty until the set is complete.
    """
    content = json.dumps({"parameters": parameters, "files": files}, indent=1, sort_keys=True)
    write_file(root / NAME, content.encode() + b"\n")


def read_manifest(root: str | Path) -> tuple[dict[str, Any], dict[str, str]] | None:
    """Parameters and checksums of a generated data set; None where there is no manifest.

    Args:
        root: Folder of the data set.

    Returns:
        Parameters, and checksum by path.

    Raises:
        ValueError: When the file is not a manifest.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as root:
        ...     write_manifest(Path(root), {"seed": 0}, {})
        ...     read_manifest(root)
        ({'seed': 0}, {})
    """
    path = Path(root) / NAME
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return dict(content["parameters"]), dict(content["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"expected a manifest of `seglosses bricks` in {path}, got something else; "
            "delete the folder and write it again"
        ) from error
