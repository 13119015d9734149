"""Why a loss of ours does not simply work in a slot: the rules of the heads."""

from __future__ import annotations

from head_walk.rows import Row

_CORNERS = (
    "targets are deltas, or centres and sizes: set `reg_decoded_bbox=True` where the head has it,"
    " else keep the library's loss"
)

#: (head, slot, outcome, words of the message) -> reason; '' stands for any
RULES: list[tuple[tuple[str, str, str, str], str]] = [
    (("", "", "warns", "compares corners"), _CORNERS),
    (
        ("", "", "raises", "boxes must be aligned"),
        "sizes, offsets and edges are no boxes; keep the library's loss",
    ),
    (
        ("", "", "raises", "sampled points have no shape"),
        "points have no shape; take losses of regions or pixels",
    ),
    (
        ("FreeAnchorRetinaHead", "loss_bbox", "raises", "must match the size"),
        "it adds up the last axis as four coordinates of deltas, which no IoU loss has, the"
        " library's own neither",
    ),
    (
        ("MultiInstanceBBoxHead", "loss_bbox", "raises", "Dimension out of range"),
        "it adds up four coordinates of deltas, which no IoU loss has, the library's own neither",
    ),
    (
        ("Shared2FCBBoxHead", "loss_bbox", "raises", "AssertionError"),
        "DynamicRoIHead asserts the library's SmoothL1Loss, whose beta it changes",
    ),
    (
        ("DDRHead", "loss_decode[2]", "unused", ""),
        "it calls its first two losses and ignores others, without a word",
    ),
]

#: heads that no walked config holds
UNWALKED = {
    "BasePanopticFusionHead": "merges what other heads put out",
    "CLRHead": "predicts lanes, on data of its own",
    "HeuristicFusionHead": "merges what other heads put out",
    "IterativeDecodeHead": "has the losses of its `kernel_generate_head`, an FCNHead",
    "MaskFormerFusionHead": "merges what other heads put out",
    "PISASSDHead": "computes cross-entropy and smooth L1 by itself",
    "SSDHead": "computes cross-entropy and smooth L1 by itself",
    "Shared4Conv1FCBBoxHead": "is ConvFCBBoxHead with other numbers of layers",
    "GroundingDINOHead": "reads text through a language model, which is downloaded",
    "ATSSVLFusionHead": "reads text through a language model, which is downloaded",
    "VPDDepthHead": "regresses depth, by a diffusion model, which is downloaded",
}


def rule_of(row: Row) -> str:
    """The reason, or an empty word."""
    for (head, slot, outcome, text), reason in RULES:
        fits = head in ("", row.head) and slot in ("", row.slot) and outcome == row.outcome
        if fits and text in row.note:
            return reason
    return ""


def unwalked_because(name: str) -> str:
    """Why a head is in no row, or an empty word."""
    return UNWALKED.get(name, "")
