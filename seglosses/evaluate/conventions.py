"""Every convention of an evaluation, in words that stand beside the numbers."""

from __future__ import annotations

from pathlib import Path

from seglosses import __version__
from seglosses.evaluate.labels import LabelCode
from seglosses.evaluate.scoring import Settings


def conventions(pred_dir: Path, gt_dir: Path, settings: Settings) -> dict[str, object]:
    """Everything that changes a number, in words.

    Args:
        pred_dir: Folder of predictions.
        gt_dir: Folder of ground truth.
        settings: What the scores depend on.

    Returns:
        Topic to plain values, for JSON and for readers.
    """
    policies = {
        "worst": "both masks empty: perfect; one empty: overlap 0, distance the image diagonal",
        "skip": "both masks empty: left out; one empty: overlap 0, distance the image diagonal",
        "nan": "an empty mask leaves undefined scores out",
    }
    return {
        "version": f"seglosses {__version__}",
        "predictions": str(pred_dir),
        "ground truth": str(gt_dir),
        "classes": {str(index): name for index, name in settings.classes.items()},
        "values in predictions": _code(settings.pred_code),
        "values in ground truth": _code(settings.target_code),
        "ignored pixels": "ignored ground truth counts for no class, whatever is predicted there",
        "connectivity": settings.connectivity
        or "8 (26 in 3D) for the foreground, 4 (6) for the background",
        "spacing": settings.spacing or "that of the file (NIfTI), otherwise 1",
        "empty masks": policies[settings.empty],
        "image border": "what lies beyond the image is outside: mask pixels at the border are "
        "surface, background at the border is no hole",
        "scores of the whole set": "_dataset: of all pixels of all images together; _image: mean "
        "over the classes that an image's truth shows, then over images; _class: mean over the "
        "images whose truth shows a class, then over classes; _worst: that of the worst 10, 20, "
        "..., 100 % of the images, averaged; _lowest: that of the worst 1 %, at least one image",
        "options": vars(settings.options),
        "intervals": "95 %, percentile bootstrap over images, 2000 resamples, seeded",
        "metrics": {column.name: column.meaning for column in settings.chosen()},
    }


def _code(code: LabelCode) -> str:
    known = code.describe()
    listed = ", ".join(f"{value} is {meaning}" for value, meaning in list(known.items())[:6])
    more = f" and {len(known) - 6} more" if len(known) > 6 else ""
    return f"{listed}{more} ({code.origin})"
