"""Draw where losses put their gradient on a wall with a break, a bridge, an island and a hole.

    python tools/gradients.py --out docs

writes ``gradients.png``, a picture for each other family, and ``gradients.md``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from seglosses import losses
from seglosses.extra_inputs import extra_inputs

mpl.use("Agg")
from matplotlib import pyplot as plt

SIZE = 48
DEFECTS = ("break", "bridge", "island", "hole")

#: name in the picture -> loss, and what to read from its row
SHOWN: dict[str, tuple[str, dict[str, object], str]] = {
    "cross-entropy": ("CrossEntropyLoss", {}, "every pixel on its own; sees no structure"),
    "Dice": ("DiceLoss", {}, "area; a break of three pixels is three pixels"),
    "region-wise": ("RegionWiseLoss", {}, "area, weighed by depth inside the class; signed"),
    "soft clDice": ("SoftClDiceLoss", {}, "skeletons of both; spreads along lines"),
    "centre-line CE": ("CenterlineCrossEntropyLoss", {}, "cross-entropy on both skeletons"),
    "skeleton recall": ("SkeletonRecallLoss", {}, "only what is missing; blind to surplus"),
    "cbDice": ("CenterlineBoundaryDiceLoss", {}, "sparse: only predicted skeletons and radii"),
    "Topograph": ("TopographLoss", {}, "critical regions, each as a whole"),
    "warping": ("WarpingLoss", {}, "critical pixels, each by cross-entropy"),
    "supervoxel": ("SupervoxelLoss", {"alpha": 1.0}, "components only; holes do not matter"),
    "TopoLoss": ("TopoLoss", {"window": None}, "one birth and one death pixel per bar, no places"),
    "Betti matching": ("BettiMatchingLoss", {}, "one birth and one death pixel per bar, matched"),
    "topological prior": ("TopologicalPriorLoss", {}, "counts only; knows no places"),
    "total persistence": ("TotalPersistenceLoss", {}, "surplus bars alone; asks nothing of others"),
    "MALIS": (
        "MalisLoss",
        {"positive": 1.0},
        "lines between regions, true and false; blind to holes",
    ),
    "cavity": ("CavityLoss", {}, "gaps between cells; blind to surplus"),
    "Morse": ("MorseLoss", {}, "ridges and skeletons"),
    "skeleton tolerance": ("SkeletonToleranceLoss", {}, "cross-entropy, heavy on skeletons"),
}

#: family -> losses whose steps on the same wall are drawn, and what they have in common
FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "overlap": (
        "counts of the whole image: a pixel's step depends on its class and its certainty alone",
        (
            "DiceLoss",
            "JaccardLoss",
            "TverskyLoss",
            "FocalTverskyLoss",
            "GeneralizedDiceLoss",
            "MCCLoss",
            "LovaszSoftmaxLoss",
            "BlobLoss",
            "ComponentBalancedDiceLoss",
        ),
    ),
    "pixel": (
        "single pixels: wrong ones, more or less sharply; some weigh them by place or component",
        (
            "CrossEntropyLoss",
            "FocalLoss",
            "TopKCrossEntropyLoss",
            "GeneralizedCrossEntropyLoss",
            "MarginSmoothingLoss",
            "SquaredEMDLoss",
            "ComponentBalancedCrossEntropyLoss",
            "SymmetricCrossEntropyLoss",
            "L1ACELoss",
        ),
    ),
    "boundary": (
        "distances from the contour: far errors weigh more, or only the contour does",
        (
            "KervadecBoundaryLoss",
            "HausdorffDTLoss",
            "ActiveBoundaryLoss",
            "RegionWiseLoss",
            "MultiScaleSSIMLoss",
        ),
    ),
    "weak": (
        "no label at the pixel: certainty, how large a class is, colours, or a set of classes",
        (
            "EntropyLoss",
            "ClassRatioKLLoss",
            "GatedCRFLoss",
            "TreeEnergyLoss",
            "ExclusionCrossEntropyLoss",
            "ExclusionDiceLoss",
        ),
    ),
    "guided": (
        "a teacher who is right and sure, or features, which are the logits here and get the steps:"
        " sampled pixels, and pairs of them",
        (
            "KLDistillationLoss",
            "ChannelWiseDistillationLoss",
            "PixelAffinityDistillationLoss",
            "DISTLoss",
            "InfoNCELoss",
            "PixelContrastLoss",
            "MixtureContrastLoss",
            "CentreContrastLoss",
            "NormDirectionDistillationLoss",
        ),
    ),
    "attributions": (
        "where the network looks: an attribution map, which is the logits here and gets the steps",
        ("AttributionEnergyLoss", "RightReasonsLoss"),
    ),
}


def wall() -> tuple[torch.Tensor, torch.Tensor, dict[str, NDArray[Any]]]:
    """Label (1, H, W), logits (1, 2, H, W) and the masks of the four errors."""
    label = np.zeros((SIZE, SIZE), bool)
    for course, top in enumerate(range(0, SIZE, 16)):
        label[top + 5 : top + 10] = True
        joint = 12 if course % 2 else 28
        label[top + 9 : top + 22, joint : joint + 3] = True
    errors = {name: np.zeros_like(label) for name in DEFECTS}
    errors["break"][13:16, 28:31] = True
    errors["bridge"][26:37, 33:35] = True
    errors["bridge"] &= ~label
    errors["island"][14:17, 8:11] = True
    errors["hole"][23:25, 20:22] = True
    seen = label ^ np.logical_or.reduce(list(errors.values()))
    jitter = np.random.default_rng(0).random(label.shape)
    margin = np.where(seen, 1.0, -1.0) * np.where(seen == label, 4 + jitter, 0.8 + jitter / 4)
    half = torch.from_numpy(margin / 2).float()
    return torch.from_numpy(label)[None].long(), torch.stack([-half, half])[None], errors


def descent(name: str, options: dict[str, object]) -> NDArray[Any] | None:
    """Direction of descent on the foreground's logit, or ``None`` where the loss is not there."""
    cls = getattr(losses, name, None)
    if cls is None:
        return None
    label, logits, _ = wall()
    logits.requires_grad_()
    sure = 8.0 * torch.nn.functional.one_hot(label, 2).movedim(-1, 1) - 4
    given = {"teacher": sure, "teacher_features": sure, "features": logits}
    given |= {"attributions": logits, "image": label[:, None].float().expand(-1, 3, -1, -1)}
    with extra_inputs(**{need: given[need] for need in cls.needs}):
        cls(**options)(logits, label).backward()
    assert logits.grad is not None
    return -logits.grad[0, 1].numpy()


def main() -> None:
    """Compute, draw, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Raw)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    maps = {title: descent(name, options) for title, (name, options, _) in SHOWN.items()}
    drawn = {title: each for title, each in maps.items() if each is not None}
    draw(drawn, out / "gradients.png")
    for family, (_, names) in FAMILIES.items():
        steps = {name.removesuffix("Loss"): descent(name, {}) for name in names}
        found = {name: each for name, each in steps.items() if each is not None}
        draw(found, out / f"gradients_{family}.png")
    (out / "gradients.md").write_text(page(drawn))


class _Raw(argparse.RawDescriptionHelpFormatter):
    pass


def draw(maps: dict[str, NDArray[Any]], path: Path) -> None:
    """One panel per loss, scaled to its own largest step."""
    label, logits, errors = wall()
    seen = logits.argmax(1)[0].numpy()
    columns = 6
    rows = -(-(len(maps) + 1) // columns)
    columns = min(columns, len(maps) + 1)
    figure, axes = plt.subplots(rows, columns, figsize=(2.1 * columns, 2.3 * rows))
    for axis in axes.flat:
        axis.axis("off")
    first = axes.flat[0]
    first.imshow(0.5 + 0.25 * label[0].numpy() - 0.5 * seen, cmap="gray", vmin=0, vmax=1)
    first.set_title("prediction", fontsize=9)
    for name, mask in errors.items():
        row, column = ndimage.center_of_mass(mask)
        first.text(column, row, name, color="tab:orange", fontsize=7, ha="center", va="center")
    for axis, (title, each) in zip(list(axes.flat)[1:], maps.items(), strict=False):
        axis.imshow(each, cmap="RdBu_r", norm=_symmetric(each))
        axis.contour(seen, [0.5], colors="0.6", linewidths=0.4)
        axis.set_title(title, fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _symmetric(values: NDArray[Any]) -> mpl.colors.Normalize:
    largest = float(np.abs(values).max()) or 1.0
    return mpl.colors.SymLogNorm(largest / 100, vmin=-largest, vmax=largest)


def page(maps: dict[str, NDArray[Any]]) -> str:
    """The table: how much of the gradient acts at each error, and whether it repairs."""
    label, _, errors = wall()
    truth = label[0].numpy() > 0
    lines = [
        "# Where losses put their gradient",
        "",
        "One wall with four errors of topology: a break of a joint, a bridge across a brick, an",
        "island inside a brick and a hole in a joint. Everywhere else the prediction is right and",
        "sure. Descent raises red pixels and lowers blue ones; every panel has its own scale,",
        "and the scale is logarithmic over two decades.",
        "",
        "![Gradients of the losses on a wall with four errors](gradients.png)",
        "",
        "Shares of the absolute gradient at each error and within two pixels of it. **Bold**: the",
        "wrong pixels themselves move, on balance, towards the label; `wrong way`: away from it.",
        "",
        "| loss | " + " | ".join(DEFECTS) + " | elsewhere | what it looks at |",
        "|---|" + "---|" * (len(DEFECTS) + 2),
    ]
    towards = np.where(truth, 1.0, -1.0)
    for title, each in maps.items():
        total = np.abs(each).sum() or 1.0
        cells, inside = [], 0.0
        for name in DEFECTS:
            near = ndimage.binary_dilation(errors[name], iterations=2)
            share = float(np.abs(each)[near].sum() / total)
            inside += share
            move = float((each * towards)[errors[name]].sum() / total)
            text = f"{share:.0%}"
            if move > 1e-6:
                text = f"**{text}**"
            elif move < -1e-6:
                text += " `wrong way`"
            cells.append(text)
        remark = SHOWN[title][2]
        lines.append(f"| {title} | {' | '.join(cells)} | {max(1 - inside, 0):.0%} | {remark} |")
    lines += [
        "",
        "Barcodes show which features are surplus and how strong they are. TopoLoss and the",
        "prior keep the strongest bars wherever they are, so the features that they change need",
        "not be the errors; Betti matching compares places. Topograph and warping look at hard",
        "masks and have no gradient where no topology is wrong, so they need a pixel loss beside",
        "them; so does the supervoxel loss with `alpha=1`, as here (its default, 0.5, is half",
        "cross-entropy).",
        "",
        "## Other families on the same wall",
        "",
    ]
    for family, (words, _) in FAMILIES.items():
        lines += [
            f"**{family}**: {words}.",
            "",
            f"![Steps of the family {family} on the wall](gradients_{family}.png)",
            "",
        ]
    lines += [
        "Losses of boxes are drawn in [the page on detection](detection.md).",
        "",
        "Made by `python tools/gradients.py --out docs`.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
