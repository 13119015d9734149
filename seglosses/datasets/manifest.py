"""The record that a generated data set keeps of itself: its parameters and a checksum a file."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

NAME = "manifest.json"


def checksum(path: str | Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, so that an interruption leaves no half file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)


def write_manifest(root: Path, parameters: dict[str, Any], files: dict[str, str]) -> None:
    """Record the parameters and, once a data set is complete, the checksum of each file."""
    content = json.dumps({"parameters": parameters, "files": files}, indent=1, sort_keys=True)
    write_file(root / NAME, content.encode() + b"\n")


def read_manifest(root: str | Path) -> tuple[dict[str, Any], dict[str, str]] | None:
    """Parameters and checksums of a generated data set; None where there is no manifest.

    Raises:
        ValueError: When the file is not a manifest.
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
