"""Every convention of an evaluation, in words that stand beside the numbers."""

from __future__ import annotations

from seglosses import __version__
from seglosses.evaluate.codes import LabelCode
from seglosses.evaluate.listing import printable
from seglosses.evaluate.partners import Folders
from seglosses.evaluate.settings import Settings
from seglosses.metrics.empty import POLICIES

_AXES = {2: "", 3: ": files of three axes are volumes, not channels or classes"}


def conventions(folders: Folders, settings: Settings) -> dict[str, object]:
    """Everything that changes a number, in words.

    Args:
        folders: Where the files lie.
        settings: What the scores depend on.

    Returns:
        Topic to plain values, for JSON and for readers.
    """
    return {
        "version": f"seglosses {__version__}",
        "predictions": printable(str(folders.pred)),
        "ground truth": printable(str(folders.target)),
        "files that are no label maps": folders.left_out(),
        **of_settings(settings),
        "images": f"{settings.ndim}D" + _AXES[settings.ndim],
        "volumes": _volumes(settings),
    }


def of_settings(settings: Settings) -> dict[str, object]:
    """What changes a number wherever the label maps come from, in words.

    Args:
        settings: What the scores depend on.

    Returns:
        As :func:`conventions`, without what concerns files.

    Example:
        >>> code = LabelCode({0: 0, 1: 1}, "labels")
        >>> of_settings(Settings(2, {1: "cell"}, code, code, ("dice",)))["metrics"]
        {'dice': '2 TP / (2 TP + FP + FN)'}
    """
    return {
        "classes": {str(index): _class(index, settings) for index in settings.classes},
        "values in predictions": _code(settings.pred_code),
        "values in ground truth": _code(settings.target_code),
        "ignored pixels": "ignored ground truth counts for no class, whatever is predicted there",
        "connectivity": settings.connectivity
        or "8 (26 in 3D) for the foreground, 4 (6) for the background",
        "spacing": settings.spacing or "that of the file (NIfTI), otherwise 1",
        "empty masks": POLICIES[settings.empty],
        "mean of classes": _mean_of_classes(settings),
        "image border": "what lies beyond the image is outside: mask pixels at the border are "
        "surface, background at the border is no hole",
        "scores of the whole set": "_dataset: of all pixels of all images together; _image: mean "
        "over the classes that an image's truth shows, then over images; _class: mean over the "
        "images whose truth shows a class, then over classes; _worst: that of the worst 10, 20, "
        "..., 100 % of the images, averaged; _lowest: that of the worst 1 %, at least one image",
        "options": vars(settings.options),
        "intervals": "95 %, bootstrap over images, 2000 resamples, seeded; studentised for means "
        "and ratios of sums; percentiles for pooled calibration, shifted by the bias of the "
        "resamples, and for the worst images where "
        "the smallest share holds 20 of them (200 images for the worst 10 %, 2000 for the worst "
        "1 %): with fewer there is no valid one",
        "metrics": {column.name: column.meaning for column in settings.chosen()},
    }


def _class(index: int, settings: Settings) -> str:
    """A class, with the labels that it joins where classes overlap."""
    labels = settings.regions.get(index)
    joined = "" if not labels else f", labels {', '.join(map(str, labels))} together"
    return f"{settings.classes[index]}{joined}"


def _mean_of_classes(settings: Settings) -> str:
    if settings.outside:
        return f"without {', '.join(settings.outside)}, which --classes (classes) would bring in"
    return "every class alike"


def _volumes(settings: Settings) -> str:
    if settings.ignore_affine:
        return "compared as stored, whatever their affines say"
    slices = " (some are here)" if settings.one_slice else ""
    return (
        "turned to the axes of the ground truth where both say how they lie; those of one slice "
        f"are scored as images, in 2D{slices}"
    )


def _code(code: LabelCode) -> str:
    known = code.describe()
    listed = ", ".join(f"{value} is {meaning}" for value, meaning in list(known.items())[:6])
    more = f" and {len(known) - 6} more" if len(known) > 6 else ""
    return f"{listed}{more} ({code.origin})"
