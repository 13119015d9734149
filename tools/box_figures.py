"""Draw and tabulate the box losses for docs/detection.md.

    python tools/box_figures.py docs/images/box_gradients.svg

Prints the values of every loss on ten pairs as a Markdown table, and draws for each loss where
gradient descent would move the corners of boxes that start in four places about their target.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from seglosses.converge import CASES

PAIRS = {
    "corner": ([0, 0, 2, 2], [1, 1, 3, 3]),
    "equal": ([0, 0, 4, 4], [0, 0, 4, 4]),
    "around": ([0, 0, 4, 4], [1, 1, 3, 3]),
    "apart": ([0, 0, 2, 2], [4, 4, 6, 6]),
    "turned": ([0, 0, 4, 2], [0, 0, 2, 4]),
    "half": ([0, 0, 10, 1], [0, 0, 10, 2]),
    "touching": ([0, 0, 2, 2], [2, 0, 4, 2]),
    "near": ([1, 1, 5, 4], [2, 1, 6, 5]),
    "close": ([0, 0, 8, 4], [0.5, 0, 8, 4.5]),
    "far": ([0, 0, 2, 2], [40, 0, 42, 2]),
}
TARGET = [3.0, 2.0, 6.0, 4.0]
STARTS = {
    "apart": [0.5, 0.5, 2.5, 1.5],
    "overlapping": [2.0, 1.2, 5.0, 3.2],
    "inside": [3.8, 2.3, 5.2, 3.3],
    "beside": [6.5, 1.4, 7.8, 4.4],
}
#: Pixels of a unit, of a panel and of the names in front of a row.
UNIT, WIDE, HIGH, NAMES = 16, 142, 84, 112
LONGEST = 1.2


def main() -> int:
    """Print the table and write the picture."""
    pred, target = (torch.tensor([p[i] for p in PAIRS.values()], dtype=torch.float) for i in (0, 1))
    print("| loss | " + " | ".join(PAIRS) + " |")
    print("|---" * (len(PAIRS) + 1) + "|")
    for name, loss in CASES.items():
        print(f"| {name} | " + " | ".join(f"{x:.3f}" for x in loss(pred, target).tolist()) + " |")
    Path(sys.argv[1]).write_text(draw(), encoding="utf-8")
    return 0


def draw() -> str:
    """An SVG with one row per loss and one column per start."""
    width, height = NAMES + WIDE * len(STARTS), 28 + HIGH * len(CASES)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif" font-size="12"><defs><marker id="tip" markerWidth="5"'
        ' markerHeight="5" refX="3" refY="2.5" orient="auto"><path d="M0,0 L5,2.5 L0,5 z"'
        ' fill="#d1495b"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for column, title in enumerate(STARTS):
        x = NAMES + WIDE * (column + 0.5)
        parts.append(f'<text x="{x}" y="18" text-anchor="middle">{title}</text>')
    for row, (name, loss) in enumerate(CASES.items()):
        top = 28 + HIGH * row
        parts.append(f'<line x1="0" x2="{width}" y1="{top}" y2="{top}" stroke="#dddddd"/>')
        parts.append(f'<text x="6" y="{top + HIGH / 2 + 4}">{name}</text>')
        boxes = torch.tensor(list(STARTS.values()), requires_grad=True)
        goal = torch.tensor([TARGET] * len(STARTS))
        (slope,) = torch.autograd.grad(loss(boxes, goal).sum(), boxes)
        for column, (box, move) in enumerate(zip(boxes.tolist(), (-slope).tolist(), strict=True)):
            parts.append(f'<g transform="translate({NAMES + WIDE * column},{top})">')
            parts.append(_box(TARGET, "#2e8b57", "#2e8b5733"))
            parts.append(_box(box, "#1b6ca8", "none"))
            parts.extend(_arrows(box, move))
            parts.append("</g>")
    return "\n".join([*parts, "</svg>\n"])


def _box(box: list[float], stroke: str, fill: str) -> str:
    x, y, right, bottom = (UNIT * b for b in box)
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{right - x:.1f}" height="{bottom - y:.1f}"'
        f' stroke="{stroke}" fill="{fill}"/>'
    )


def _arrows(box: list[float], move: list[float]) -> list[str]:
    """One at each corner, the longest coordinate of a box drawn at the same length."""
    longest = max(map(abs, move))
    if longest < 1e-9:
        return []
    found = []
    for i in (0, 2):
        for j in (1, 3):
            dx, dy = (LONGEST * move[k] / longest for k in (i, j))
            if abs(dx) + abs(dy) > 0.05:
                x, y = box[i], box[j]
                found.append(
                    f'<line x1="{UNIT * x:.1f}" y1="{UNIT * y:.1f}" x2="{UNIT * (x + dx):.1f}"'
                    f' y2="{UNIT * (y + dy):.1f}" stroke="#d1495b" stroke-width="1.5"'
                    ' marker-end="url(#tip)"/>'
                )
    return found


if __name__ == "__main__":
    raise SystemExit(main())
