"""A proposal as text to paste: MMSegmentation, plain PyTorch, nnU-Net."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from seglosses.advise.fitting import IGNORED, for_arrays, for_nnunet, for_slices
from seglosses.advise.proposal import Proposal

ITERATIONS = "max_iters"
MMSEG = {2: "MMSegmentation", 3: "MMSegmentation (for networks of slices: it reads no volumes)"}
"""Title of the config for MMSegmentation, by dimensions."""


def mmseg(proposal: Proposal) -> str:
    """Losses of a decode head, as a mix-in for ``configs/losses`` or for any config.

    Args:
        proposal: What to train with.

    Returns:
        Python, which defines ``loss_decode`` and, for schedules, ``custom_hooks``.

    Example:
        >>> from seglosses.advise.proposal import BASE
        >>> print(mmseg(Proposal(BASE[1:], (), (), ())))
        loss_decode = [
            dict(type="seglosses.DiceLoss"),
        ]
    """
    terms, left = for_slices(proposal)
    lines = []
    ignored = proposal.files.ignore_index
    if ignored not in (None, IGNORED):
        lines.append(
            f"# heads and padding of MMSegmentation ignore {IGNORED}: write {IGNORED} in place of"
            f" {ignored} in the label files"
        )
    if any("spacing" in term.options for term in terms):
        lines.append("# spacing: edges of a pixel along rows, columns")
    lines.append("loss_decode = [")
    for term in terms:
        options = arguments({"type": f"seglosses.{term.loss}", **term.config()})
        lines.append(f"    dict({options}),")
    lines.append("]")
    for term in left:
        lines.append(
            f"# left out: {term.loss}({arguments(term.options)}), for a slice has other numbers"
            " than its volume"
        )
    if any(term.scheduled for term in terms):
        lines.append(
            "# off for the first half, then growing; our own configs have the hook already"
        )
        lines.append('custom_hooks = [dict(type="seglosses.LossWeightSchedule")]')
    return "\n".join(lines)


def torch(proposal: Proposal) -> str:
    """The same losses in a loop of one's own.

    Args:
        proposal: What to train with.

    Returns:
        Python, which defines ``losses`` and ``loss_of(logits, labels, iteration)``.
    """
    size = _axes(proposal)
    terms = for_arrays(proposal)
    names = sorted({term.loss for term in terms})
    lines = [f"from seglosses.losses import {', '.join(names)}", ""]
    if any("spacing" in term.options for term in terms):
        how = (
            "as nibabel and MONAI load NIfTI"
            if proposal.files.backwards
            else "as SimpleITK gives arrays; MONAI loads such files the other way round"
        )
        lines.append(f"# spacing: edges of a pixel along {size}, {how}")
    lines.append("losses = [")
    for term in terms:
        lines.append(f"    {term.loss}({arguments(term.config())}),")
    lines += [
        "]",
        "",
        "",
        f"def loss_of(logits, labels, iteration, {ITERATIONS}):",
        f'    """logits (N, C, {size}) before softmax, labels (N, {size})."""',
    ]
    if proposal.scheduled:
        lines += [
            "    for loss in losses:",
            f"        loss.set_progress(iteration / {ITERATIONS})  # weights that change",
        ]
    lines.append("    return sum(loss(logits, labels) for loss in losses)")
    return "\n".join(lines)


def nnunet(proposal: Proposal) -> str:
    """The same losses for nnU-Net v2: an environment variable with JSON, and the trainer.

    Plain cross-entropy and Dice become nnU-Net's own loss, which is both.

    Args:
        proposal: What to train with.

    Returns:
        Commands for a shell.

    Example:
        >>> from seglosses.advise.proposal import BASE
        >>> print(nnunet(Proposal(BASE, (), (), ())).splitlines()[1])
        export SEGLOSSES_LOSSES='[{"type": "nnUNet"}]'
    """
    terms = for_nnunet(proposal)
    losses = [{"type": term.loss, **term.config()} for term in terms]
    plain = [{"type": "CrossEntropyLoss"}, {"type": "DiceLoss"}]
    if losses[:2] == plain:
        losses = [{"type": "nnUNet"}, *losses[2:]]
    kind = "3d_fullres" if proposal.ndim == 3 else "2d"
    spaced = any("spacing" in term.options for term in terms)
    return (
        "# spacing: in the order of the plans; those that resample name another\n"
        * spaced
        + "export nnUNet_extTrainer=$(seglosses nnunet-path)\n"
        f"export SEGLOSSES_LOSSES='{json.dumps(losses)}'\n"
        f"nnUNetv2_train DATASET {kind} 0 -tr nnUNetTrainerSeglosses"
    )


def _axes(proposal: Proposal) -> str:
    """Names of the axes of label arrays, in the order in which files store them."""
    axes = ("D", "H", "W")[3 - proposal.ndim :]
    if proposal.files.backwards:
        axes = ("X", "Y", "Z")[: proposal.ndim]
    return ", ".join(axes)


def configs(proposal: Proposal) -> dict[str, str]:
    """Every config.

    Args:
        proposal: What to train with.

    Returns:
        Title to text.

    Example:
        >>> from seglosses.advise.proposal import BASE
        >>> list(configs(Proposal(BASE, (), (), ())))
        ['MMSegmentation', 'PyTorch', 'nnU-Net v2 (with the trainers of seglosses installed)']
    """
    return {
        MMSEG[proposal.ndim]: mmseg(proposal),
        "PyTorch": torch(proposal),
        "nnU-Net v2 (with the trainers of seglosses installed)": nnunet(proposal),
    }


def arguments(options: Mapping[str, Any]) -> str:
    """Options of a loss as Python's arguments.

    Args:
        options: Name and value of each.

    Returns:
        Code, with the quotes that a formatter would choose.

    Example:
        >>> arguments({"average": "dataset", "loss_weight": {"value": 0.5}})
        'average="dataset", loss_weight=dict(value=0.5)'
    """
    return ", ".join(f"{name}={_literal(value)}" for name, value in options.items())


def _literal(value: Any) -> str:
    if isinstance(value, dict):
        return f"dict({arguments(value)})"
    return json.dumps(value) if isinstance(value, str) else repr(value)
