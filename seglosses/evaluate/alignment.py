"""Two label files of one image, brought to the same axes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate.formats.label_file import LabelFile
from seglosses.evaluate.listing import IMAGE_ENDINGS, ITK_ENDINGS, NIFTI_ENDINGS, ending

TOLERANCE = 0.05
"""How far a corner of the image may lie apart in two files, in edge lengths of a pixel."""


@dataclass(frozen=True)
class Turn:
    """How the axes of a prediction are permuted and flipped to lie as those of its target.

    Args:
        order: Which axis of the prediction becomes each axis.
        flipped: Axes that are reversed then.
        gone: The axis of a volume with a single slice, which is left out at last; None when there
            is no such axis.
    """

    order: tuple[int, ...]
    flipped: tuple[int, ...] = ()
    gone: int | None = None

    def apply(self, values: NDArray[Any], *, leading: int = 0) -> NDArray[Any]:
        """Turn an array.

        Args:
            values: Any array, (..., *S).
            leading: Number of axes in front that stay, such as classes.

        Returns:
            A view of it.

        Example:
            >>> Turn((1, 0), (0,)).apply(np.array([[1, 2], [3, 4]]))
            array([[2, 4],
                   [1, 3]])
        """
        axes = [*range(leading), *(axis + leading for axis in self.order)]
        turned = values.transpose([*axes, *range(len(axes), values.ndim)])
        turned = np.flip(turned, tuple(axis + leading for axis in self.flipped))
        return turned if self.gone is None else np.squeeze(turned, self.gone + leading)


def align(
    pred: LabelFile, target: LabelFile, *, ignore_affine: bool = False
) -> tuple[LabelFile, LabelFile, Turn]:
    """Turn a prediction so that it lies as its target, and leave out the axis of a single slice.

    Args:
        pred: The prediction.
        target: Its ground truth, which stays as it is.
        ignore_affine: Compare the arrays as they are stored, whatever the files say about space.

    Returns:
        Prediction and target, and what was done to the prediction.

    Raises:
        ValueError: When the files lie elsewhere in space, only one of them says where, or viewers
            would turn only one of them.

    Example:
        >>> from pathlib import Path
        >>> mask, flip = np.array([[1, 0, 0]]), np.diag([1.0, -1.0, 1.0])
        >>> flip[1, 2] = 2.0  # the last column of the prediction is the first of the target
        >>> pred = LabelFile(Path("p"), mask[:, ::-1], affine=flip)
        >>> align(pred, LabelFile(Path("t"), mask, affine=np.eye(3)))[0].values
        array([[1, 0, 0]])
    """
    turn = Turn(tuple(range(len(pred.shape))))
    if not ignore_affine:
        _check_known(pred, target)
    ways = {_reads_backwards(pred), _reads_backwards(target)}
    if ignore_affine and ways == {True, False}:
        turn = Turn(tuple(range(len(pred.shape) - 1, -1, -1)))
    elif pred.affine is not None and target.affine is not None and not ignore_affine:
        turn, turned_affine = _turn(pred, target)
        # Else the sizes are to blame, which the caller compares.
        if target.shape in (pred.shape, turn.apply(pred.values).shape):
            _check_place(pred, target, turned_affine)
    turn = replace(turn, gone=_single_slice(turn.apply(pred.values), pred.in_colour))
    lost = _single_slice(target.values, target.in_colour)
    if lost is not None:
        spacing = target.spacing
        kept = None if spacing is None else (*spacing[:lost], *spacing[lost + 1 :])
        target = replace(target, values=np.squeeze(target.values, lost), spacing=kept)
    return replace(pred, values=turn.apply(pred.values)), target, turn


def _check_known(pred: LabelFile, target: LabelFile) -> None:
    """Refuse a pair of which one file says how it lies, and the other does not or otherwise."""
    for volume, silent in ((pred, target), (target, pred)):
        if silent.affine is None and not _fits(volume, silent):
            raise ValueError(
                f"{silent.path} does not state its orientation, and {volume.path} may be stored "
                "in another one; save both in one format that states it, or compare the arrays as "
                "they are stored with ignore_affine (--ignore-affine)"
            )
    if pred.orientation != target.orientation:
        raise ValueError(
            f"{pred.path} has the orientation {pred.orientation} (tag of EXIF and TIFF: how a "
            f"viewer turns it), {target.path} {target.orientation}; turn the samples and save them "
            "without the tag, or compare them as they are stored with ignore_affine "
            "(--ignore-affine)"
        )


def _fits(volume: LabelFile, silent: LabelFile) -> bool:
    """Whether a file may be compared as stored with one that does not say how it lies."""
    if silent.spacing is not None:  # two volumes
        return volume.affine is None
    if volume.affine is None:
        return volume.spacing is None
    # Pictures and arrays lie as ITK lays the rows and columns of a picture.
    ways = volume.affine[:-1, :-1] / np.linalg.norm(volume.affine[:-1, :-1], axis=0)
    usual = np.eye(len(ways))[::-1]
    usual[:2] *= -1
    return ending(volume.path) in ITK_ENDINGS and np.allclose(ways, usual, atol=1e-3)


def _reads_backwards(file: LabelFile) -> bool | None:
    """Whether the first axis is the slowest one of the file; None where nothing tells."""
    end = ending(file.path)
    if end in NIFTI_ENDINGS:
        return False
    return True if end in (*ITK_ENDINGS, *IMAGE_ENDINGS) else None


def _single_slice(values: NDArray[Any], in_colour: bool) -> int | None:
    """Axis of a volume that has one slice along it; such a volume is an image."""
    if in_colour or values.ndim != 3 or 1 not in values.shape:
        return None
    return values.shape.index(1)


def _turn(pred: LabelFile, target: LabelFile) -> tuple[Turn, NDArray[np.float64]]:
    """How to turn the prediction, and its affine then."""
    assert pred.affine is not None
    assert target.affine is not None
    if pred.affine.shape != target.affine.shape or np.array_equal(pred.affine, target.affine):
        return Turn(tuple(range(len(pred.shape)))), pred.affine
    from nibabel import orientations

    space: Any = orientations
    ways = [space.io_orientation(file.affine) for file in (pred, target)]
    if np.isnan(ways).any():
        raise ValueError(
            f"{pred.path} or {target.path} has an affine that does not span space; correct it, or "
            "compare the arrays as they are stored with ignore_affine (--ignore-affine)"
        )
    way = space.ornt_transform(*ways)
    places = way[:, 0].astype(int).tolist()
    order = tuple(places.index(axis) for axis in range(len(places)))
    flipped = tuple(place for place, sign in zip(places, way[:, 1], strict=True) if sign < 0)
    return Turn(order, flipped), pred.affine @ space.inv_ornt_aff(way, pred.shape)


def _check_place(pred: LabelFile, target: LabelFile, turned: NDArray[np.float64]) -> None:
    assert target.affine is not None
    ends = [(0, size - 1) for size in target.shape]
    grid: NDArray[Any] = np.stack(np.meshgrid(*ends, [1], indexing="ij"), -1)
    corners = grid.reshape(-1, len(ends) + 1)
    apart = np.linalg.norm((corners @ (turned - target.affine).T)[:, :-1], axis=1).max()
    edge = np.linalg.norm(target.affine[:-1, :-1], axis=0).min()
    if not apart <= TOLERANCE * edge:
        raise ValueError(
            f"{pred.path} and {target.path} do not lie at the same place: their corners are up to "
            f"{apart:.4g} apart (their affines differ); resample the prediction onto the ground "
            "truth, or compare the arrays as they are stored with ignore_affine (--ignore-affine)"
        )
