"""Files that look like label maps and are not read: a run may not leave them out in silence."""

from __future__ import annotations

import logging
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from seglosses.evaluate.listing import ending, printable, walk

FOREIGN = (
    *(".pbm", ".pnm", ".pam", ".pfm", ".tga", ".dib", ".jfif", ".jpe", ".jp2", ".j2k"),
    *(".jxl", ".avif", ".heic", ".apng", ".exr", ".dcm", ".ima", ".img", ".vtk", ".mnc"),
    *(".mat", ".h5", ".hdf5", ".gz", ".bz2", ".xz", ".zst", ".svs", ".lsm", ".czi"),
)
"""Endings of formats in which people keep pictures, volumes and arrays."""


def foreign_files(folder: Path, known: Iterable[str]) -> list[Path]:
    """Pictures, volumes and arrays of formats that are not read.

    Args:
        folder: A folder of label maps.
        known: Names of those that are read, without ending: files with one of these names and
            another ending lie beside them.

    Returns:
        Paths, in order.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as top:
        ...     for name in ("a.png", "a.mat", "b.jp2", "notes.txt"):
        ...         (Path(top) / name).touch()
        ...     [path.name for path in foreign_files(Path(top), ["a"])]
        ['b.jp2']
    """
    names = set(known)
    return [
        path
        for path in walk(folder)
        if ending(path) is None
        and path.suffix.lower() in FOREIGN
        and not _lies_beside(printable(path.relative_to(folder).as_posix()), names)
    ]


def _lies_beside(name: str, names: set[str]) -> bool:
    stem = name
    while not stem.endswith("/") and "." in stem.rpartition("/")[2]:
        stem = stem.rpartition(".")[0]
        if unicodedata.normalize("NFC", stem) in names:
            return True
    return False


def warn_of_foreign(folders: Mapping[Path, Iterable[str]]) -> None:
    """Log a warning that counts what is left out of a run though it looks like a label map.

    Args:
        folders: The names of the label maps of each folder.
    """
    found = [path for folder, known in folders.items() for path in foreign_files(folder, known)]
    if not found:
        return
    kinds = Counter(path.suffix.lower() for path in found).most_common()
    logging.getLogger("seglosses").warning(
        "left out: %s, formats that are not read (the first is %s); save them as PNG, TIFF, NPY or "
        "NIfTI to score them",
        ", ".join(f"{count} {kind}" for kind, count in kinds),
        printable(str(found[0])),
    )
