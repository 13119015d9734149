"""Label files on disk: which belong together, and what they hold."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

IMAGE_ENDINGS = (".png", ".tif", ".tiff", ".bmp", ".gif", ".jpg", ".jpeg", ".webp", ".pgm", ".ppm")
ENDINGS = (*IMAGE_ENDINGS, ".npy", ".npz", ".nii", ".nii.gz")


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


def list_files(folder: Path) -> dict[str, Path]:
    """Label files below a folder under their relative path without ending.

    Args:
        folder: A folder; sub-folders are searched too, hidden files and folders are not.

    Returns:
        Name to path, sorted by name.

    Raises:
        ValueError: When there is no such folder, no label file in it, or two files differ in
            their ending only.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("b.png", "a.npy", "notes.txt"):
        ...         (Path(folder) / name).touch()
        ...     list(list_files(Path(folder)))
        ['a', 'b']
    """
    if not folder.is_dir():
        raise ValueError(f"no such folder: {folder}")
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        end = ending(path)
        if end is None or any(part.startswith(".") for part in relative.parts):
            continue
        if not path.is_file():
            continue
        name = relative.as_posix()[: -len(end)]
        if name in found:
            raise ValueError(f"{found[name]} and {path} are the same image twice: remove one")
        found[name] = path
    if not found:
        raise ValueError(
            f"no label files in {folder}: expected files ending in {', '.join(ENDINGS)}"
        )
    return dict(sorted(found.items()))


def match_files(pred_dir: Path, target_dir: Path) -> tuple[list[PairFiles], list[str], list[str]]:
    """Pair up the files of two folders by their name without ending.

    Args:
        pred_dir: Folder of predictions.
        target_dir: Folder of ground truth.

    Returns:
        The pairs; the names that only the ground truth has; the names that only the predictions
        have.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("pred/a.npy", "pred/b.png", "gt/a.png", "gt/c.png"):
        ...         (Path(folder) / name).parent.mkdir(exist_ok=True)
        ...         (Path(folder) / name).touch()
        ...     pairs, *alone = match_files(Path(folder) / "pred", Path(folder) / "gt")
        >>> [files.name for files in pairs], alone
        (['a'], [['c'], ['b']])
    """
    pred, target = list_files(pred_dir), list_files(target_dir)
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


def read_labels(path: Path) -> tuple[NDArray[np.integer], tuple[float, ...] | None]:
    """Read a label file as it is, without interpreting its values.

    Args:
        path: PNG, TIFF and other lossless images (grey, palette, or colour with equal channels),
            NPY (integers, booleans or whole floats), NIfTI.

    Returns:
        Integer values, (H, W) or (D, H, W), and the spacing if the file knows it (NIfTI, whose
        axes keep their order).

    Raises:
        ValueError: When the file cannot be read, is no label map, or has another number of axes.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(Path(folder) / "a.npy", np.array([[0.0, 2.0]]))
        ...     read_labels(Path(folder) / "a.npy")
        (array([[0, 2]]), None)
    """
    try:
        values, spacing, colours = _read(path)
    except Exception as error:  # each format's reader has exceptions of its own
        raise ValueError(f"{path}: cannot be read ({type(error).__name__}: {error})") from error
    if colours:
        values = _grey(values, path)
    if values.ndim not in (2, 3):
        raise ValueError(f"{path}: expected (H, W) or (D, H, W), got shape {values.shape}")
    if values.dtype == np.bool_:
        values = values.astype(np.uint8)
    if np.issubdtype(values.dtype, np.floating):
        whole = values.astype(np.int64)
        if not np.array_equal(whole, values):
            raise ValueError(
                f"{path}: holds fractions, not labels; take the argmax, or threshold it, first"
            )
        values = whole
    if not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"{path}: expected integer labels, got {values.dtype}")
    return values, spacing


def read_probabilities(path: Path, num_classes: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Read a probability map.

    Args:
        path: NPY or NPZ with one array, (C, *S), or (*S) with the probability of class 1 of two;
            or a grey picture of the latter, with 0 for 0 and its largest value for 1.
        num_classes: Number of classes C.
        shape: Shape of the label map, (*S).

    Returns:
        Probabilities, (C, *S).

    Raises:
        ValueError: When the file cannot be read or holds something else.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(Path(folder) / "a.npy", np.array([[0.25, 1.0]]))
        ...     read_probabilities(Path(folder) / "a.npy", 2, (1, 2)).tolist()
        [[[0.75, 0.0]], [[0.25, 1.0]]]
    """
    try:
        values, _, colours = _read(path)
    except Exception as error:
        raise ValueError(f"{path}: cannot be read ({type(error).__name__}: {error})") from error
    if colours:
        values = _grey(values, path)
    if np.issubdtype(values.dtype, np.integer):
        values = values / np.iinfo(values.dtype).max
    values = values.astype(np.float32)
    if values.shape == shape and num_classes == 2:
        values = np.stack([1 - values, values])
    if values.shape != (num_classes, *shape):
        raise ValueError(f"{path}: expected {(num_classes, *shape)}, got {values.shape}")
    if not (values.min(initial=0) >= 0 and values.max(initial=0) <= 1):
        raise ValueError(f"{path}: holds numbers outside [0, 1]; apply softmax or sigmoid first")
    return values


def _read(path: Path) -> tuple[NDArray[Any], tuple[float, ...] | None, bool]:
    """Values, spacing, and whether the last axis holds colours."""
    end = ending(path)
    if end == ".npy":
        return np.load(path, allow_pickle=False), None, False
    if end == ".npz":
        return _only_array(path), None, False
    if end in (".nii", ".nii.gz"):
        return *_read_nifti(path), False
    with warnings.catch_warnings():
        # A label map may be larger than what PIL takes for an attack.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path) as image:
            if getattr(image, "n_frames", 1) > 1:
                return _stack(image), None, False
            pixels = np.asarray(image)
            return pixels, None, pixels.ndim == 3


def _grey(pixels: NDArray[Any], path: Path) -> NDArray[Any]:
    """One channel of a picture whose colour channels agree; an alpha channel says nothing."""
    colours = pixels[..., : 3 if pixels.shape[2] >= 3 else 1]
    if (colours != colours[..., :1]).any():
        raise ValueError(
            f"{path}: a colour picture, not a label map; "
            "save one number a pixel (grey or palette PNG)"
        )
    return colours[..., 0]


def _only_array(path: Path) -> NDArray[Any]:
    with np.load(path, allow_pickle=False) as arrays:
        if len(arrays.files) != 1:
            raise ValueError(f"expected one array, got {', '.join(arrays.files) or 'none'}")
        only: NDArray[Any] = arrays[arrays.files[0]]
        return only


def _stack(image: Image.Image) -> NDArray[Any]:
    frames = []
    for index in range(getattr(image, "n_frames", 1)):
        image.seek(index)
        frames.append(np.asarray(image))
    return np.stack(frames)


def _read_nifti(path: Path) -> tuple[NDArray[Any], tuple[float, ...]]:
    try:
        from nibabel.nifti1 import Nifti1Image
    except ImportError as error:
        raise ImportError("NIfTI needs nibabel: pip install nibabel") from error
    volume: Any = Nifti1Image.from_filename(path)
    values = np.asanyarray(volume.dataobj)
    zooms = tuple(float(zoom) for zoom in volume.header.get_zooms()[: values.ndim])
    while values.ndim > 3 and values.shape[-1] == 1:
        values, zooms = values[..., 0], zooms[:-1]
    return values, zooms
