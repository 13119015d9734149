"""Label files in folders: which there are, and which belong together."""

from __future__ import annotations

import os
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

IMAGE_ENDINGS = (".png", ".tif", ".tiff", ".bmp", ".gif", ".jpg", ".jpeg", ".webp", ".pgm", ".ppm")
NIFTI_ENDINGS = (".nii", ".nii.gz", ".mgz", ".mgh")
ITK_ENDINGS = (".mha", ".mhd", ".nrrd", ".nhdr")
ENDINGS = (*IMAGE_ENDINGS, ".npy", ".npz", *NIFTI_ENDINGS, *ITK_ENDINGS)
PROBABILITY_KEYS = ("probabilities", "softmax")
"""Under which nnU-Net keeps its maps: version 2, version 1."""


@dataclass(frozen=True)
class PairFiles:
    """A prediction, its ground truth and perhaps its probability map on disk."""

    name: str
    pred: Path
    target: Path
    prob: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files."""
        return (self.pred, self.target, *((self.prob,) if self.prob else ()))


def printable(text: str) -> str:
    r"""Text of a path with the bytes that are not UTF-8 written out, so that any file can hold it.

    Args:
        text: A name as Python gives it.

    Returns:
        The same text where it is UTF-8.

    Example:
        >>> printable("brick"), printable("brick\udcff")
        ('brick', 'brick\\xff')
    """
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def ending(path: Path) -> str | None:
    """Known ending of a label file in lower case.

    Args:
        path: Any path.

    Returns:
        The ending with its dot, None for other files.

    Example:
        >>> ending(Path("a/scan.1.nii.gz")), ending(Path("notes.txt"))
        ('.nii.gz', None)
    """
    name = path.name.lower()
    return next((end for end in sorted(ENDINGS, key=len, reverse=True) if name.endswith(end)), None)


def list_files(folder: Path, *, suffix: str = "", maps: bool = False) -> dict[str, Path]:
    """Label files below a folder under their relative path without suffix and ending.

    Linked files and folders are followed. The ``.npz`` with probabilities that nnU-Net writes
    beside a label map is no label map of its own.

    Args:
        folder: A folder; sub-folders are searched too, hidden files and folders are not.
        suffix: End of the names, such as ``_pred``; files without it are left out.
        maps: Whether probability maps are wanted: where nnU-Net wrote both, its ``.npz``.

    Returns:
        Name to path, sorted by name.

    Raises:
        ValueError: When there is no such folder, no label file in it, two files differ in their
            ending only, or a link leads nowhere or in a circle.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("b.png", "a.npy", "notes.txt"):
        ...         (Path(folder) / name).touch()
        ...     list(list_files(Path(folder)))
        ['a', 'b']
    """
    found: dict[str, Path] = {}
    for path in walk(folder):
        name = _name(path, folder, suffix)
        if name is None:
            continue
        if name in found:
            label, sidecar = _label_and_sidecar(found[name], path)
            if sidecar is None:
                raise ValueError(f"{found[name]} and {path} are the same image twice: remove one")
            path = sidecar if maps else label
        found[name] = path
    if not found:
        named = f" whose names end in {suffix}" if suffix else ""
        raise ValueError(
            f"no label files{named} in {folder}: expected files ending in {', '.join(ENDINGS)}"
        )
    return dict(sorted(found.items()))


def left_out(folder: Path, *, suffix: str = "") -> str:
    """What a folder holds besides label files, for the conventions.

    Args:
        folder: A folder.
        suffix: As for :func:`list_files`.

    Returns:
        Numbers of files by ending, an empty text when there are none.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("b.png", "notes.txt", "plans.json", "more.txt"):
        ...         (Path(folder) / name).touch()
        ...     left_out(Path(folder))
        '2 .txt, 1 .json'
    """
    others = Counter(
        path.suffix.lower() or "without ending" if ending(path) is None else f"without {suffix}"
        for path in walk(folder)
        if _name(path, folder, suffix) is None
    )
    return ", ".join(f"{count} {printable(kind)}" for kind, count in others.most_common())


def walk(folder: Path) -> Iterator[Path]:
    """Files below a folder that are not hidden, in order, through links.

    Args:
        folder: A folder.

    Yields:
        Paths below the folder.

    Raises:
        ValueError: When there is no such folder, one cannot be listed, or a link leads nowhere or
            into a folder that it lies in.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "is not there"
        json = folder.suffix.lower() == ".json" and folder.exists()
        also = ", or detections in JSON with --coco" if json else ""
        raise ValueError(f"no such folder: {folder} {what}; give the folder of label files{also}")
    yield from _walk(folder, (os.path.realpath(folder),))


def _walk(folder: Path, above: tuple[str, ...]) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise ValueError(f"{folder}: cannot be listed ({error.strerror})") from error
    for path in entries:
        if path.name.startswith("."):
            continue
        if path.is_symlink():
            _check_link(path, above)
        if path.is_dir():
            yield from _walk(path, (*above, os.path.realpath(path)))
        elif path.is_file():
            yield path


def _check_link(path: Path, above: Sequence[str]) -> None:
    real = os.path.realpath(path)
    if real in above:
        raise ValueError(f"{path}: a link into {real}, in which it lies; remove the link")
    try:
        path.stat()
    except OSError as error:
        raise ValueError(
            f"{path}: a broken link ({os.readlink(path)}); repair or remove it"
        ) from error


def _name(path: Path, folder: Path, suffix: str) -> str | None:
    end = ending(path)
    if end is None:
        return None
    whole = printable(path.relative_to(folder).as_posix())
    # A suffix may be given with the ending, as it stands in the folder.
    stem = whole if suffix.lower().endswith(end) else whole[: -len(end)]
    if not stem.endswith(suffix):
        return None
    # macOS writes accents as characters of their own, other systems do not.
    return unicodedata.normalize("NFC", stem.removesuffix(suffix))


def _label_and_sidecar(first: Path, second: Path) -> tuple[Path, Path | None]:
    """A label map and nnU-Net's probabilities beside it; None when both are label maps."""
    archives = [path for path in (first, second) if holds_probabilities(path)]
    if len(archives) != 1:
        return first, None
    return (second if archives[0] == first else first), archives[0]


def holds_probabilities(path: Path) -> bool:
    """Whether a file is an archive of nnU-Net with probabilities.

    Args:
        path: Any file.

    Returns:
        True for an NPZ with one of :data:`PROBABILITY_KEYS`.
    """
    if ending(path) != ".npz":
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(f"{key}.npy" in archive.namelist() for key in PROBABILITY_KEYS)
    except (OSError, zipfile.BadZipFile):
        return False


def match_files(
    pred_dir: Path, target_dir: Path, *, pred_suffix: str = "", target_suffix: str = ""
) -> tuple[list[PairFiles], list[str], list[str]]:
    """Pair up the files of two folders by their name without suffix and ending.

    Args:
        pred_dir: Folder of predictions.
        target_dir: Folder of ground truth.
        pred_suffix: End of the names of predictions.
        target_suffix: End of the names of the ground truth.

    Returns:
        The pairs; the names that only the ground truth has; the names that only the predictions
        have.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("pred/a_pred.npy", "pred/b_pred.png", "gt/a.png", "gt/c.png"):
        ...         (Path(folder) / name).parent.mkdir(exist_ok=True)
        ...         (Path(folder) / name).touch()
        ...     top = Path(folder)
        ...     pairs, *alone = match_files(top / "pred", top / "gt", pred_suffix="_pred")
        >>> [files.name for files in pairs], alone
        (['a'], [['c'], ['b']])
    """
    pred = list_files(pred_dir, suffix=pred_suffix)
    target = list_files(target_dir, suffix=target_suffix)
    pairs = [PairFiles(name, pred[name], target[name]) for name in target if name in pred]
    return (
        pairs,
        [name for name in target if name not in pred],
        [name for name in pred if name not in target],
    )


def shorten(names: Sequence[str] | Iterable[str], limit: int = 5) -> str:
    """List some names and say how many more there are.

    Args:
        names: Any number of names.
        limit: How many to list.

    Returns:
        A text.

    Example:
        >>> shorten(["a", "b", "c"], limit=2)
        'a, b and 1 more'
    """
    listed = list(names)
    rest = len(listed) - limit
    return ", ".join(listed[:limit]) + (f" and {rest} more" if rest > 0 else "")
