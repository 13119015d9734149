"""Volumes with an orientation: NIfTI and MGH by nibabel; MetaImage and NRRD by SimpleITK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seglosses.evaluate.formats.label_file import ROUNDING, LabelFile


def read_nifti(path: Path) -> LabelFile:
    """Samples of NIfTI-1, NIfTI-2 or MGH, scaled as the header says, axes as stored.

    Args:
        path: File.

    Returns:
        Samples with spacing, and the affine unless the header calls the orientation unknown.

    Raises:
        ImportError: Without nibabel.
    """
    try:
        from nibabel.loadsave import load
    except ImportError as error:
        raise ImportError("NIfTI needs nibabel: pip install nibabel") from error
    volume: Any = load(path)
    values = np.asanyarray(volume.dataobj)
    header = volume.header
    zooms = tuple(float(zoom) for zoom in header.get_zooms()[: values.ndim])
    while values.ndim > 3 and values.shape[-1] == 1:
        values, zooms = values[..., 0], zooms[:-1]
    if values.ndim == 2:  # a slice lies in space as volumes do
        values, zooms = values[..., None], (*zooms, 1.0)
    coded = "qform_code" not in header or header["qform_code"] > 0 or header["sform_code"] > 0
    affine = np.asarray(volume.affine, np.float64) if coded and values.ndim == 3 else None
    slope = float(getattr(volume.dataobj, "slope", 1) or 1)
    # A writer that spreads labels over the integers of a type is off by half a step at most.
    rounding = max(ROUNDING, 0.51 * abs(slope)) if 0 < abs(slope) < 0.25 else ROUNDING
    return LabelFile(path, values, spacing=zooms, affine=affine, rounding=rounding)


def read_itk(path: Path) -> LabelFile:
    """Samples of an image that SimpleITK reads, in the order of its arrays: slices, rows, columns.

    Args:
        path: MetaImage or NRRD.

    Returns:
        Samples with spacing and affine.

    Raises:
        ImportError: Without SimpleITK.
        ValueError: For images with several numbers per pixel.
    """
    try:
        import SimpleITK
    except ImportError as error:
        raise ImportError("MetaImage and NRRD need SimpleITK: pip install SimpleITK") from error
    image: Any = SimpleITK.ReadImage(str(path))
    if image.GetNumberOfComponentsPerPixel() > 1:
        raise ValueError(
            f"holds {image.GetNumberOfComponentsPerPixel()} numbers per pixel; save one label each"
        )
    while image.GetDimension() > 3 and image.GetSize()[-1] == 1:
        image = image[..., 0]
    values = SimpleITK.GetArrayFromImage(image)
    ndim, spacing = image.GetDimension(), np.array(image.GetSpacing())
    affine = np.eye(ndim + 1)
    affine[:-1, :-1] = np.reshape(image.GetDirection(), (ndim, ndim)) * spacing
    affine[:-1, -1] = image.GetOrigin()
    affine[:2] *= -1  # ITK's first two axes point left and back
    # Columns belong to the axes of the array, which come in reverse.
    affine[:, :-1] = affine[:, -2::-1]
    return LabelFile(path, values, spacing=tuple(spacing[::-1].tolist()), affine=affine)
