"""Draw and tabulate the box losses for docs/detection.md.

    python tools/box_figures.py docs/images/box_gradients.svg

Prints the values of every loss on ten pairs as a Markdown table, and draws for each loss where
gradient descent would move the corners of a box that starts in four places about its target.
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
TARGET = [3.0, 3.0, 6.0, 5.0]
STARTS = ([0.5, 0.5, 2.5, 1.5], [2.0, 2.5, 5.0, 4.0], [3.5, 3.3, 5.0, 4.5], [6.5, 3.0, 8.0, 6.5])
COLUMNS, CELL = 4, 190


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
    """An SVG with one panel a loss."""
    rows = -(-len(CASES) // COLUMNS)
    width, height = COLUMNS * CELL, rows * CELL
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif" font-size="12"><defs><marker id="tip" markerWidth="5"'
        ' markerHeight="5" refX="3" refY="2.5" orient="auto"><path d="M0,0 L5,2.5 L0,5 z"'
        ' fill="#d1495b"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    goal = torch.tensor([TARGET] * len(STARTS))
    for index, (name, loss) in enumerate(CASES.items()):
        left, top = CELL * (index % COLUMNS), CELL * (index // COLUMNS)
        boxes = torch.tensor(STARTS, requires_grad=True)
        (slope,) = torch.autograd.grad(loss(boxes, goal).sum(), boxes)
        parts.append(f'<g transform="translate({left + 8},{top + 4})">')
        parts.append(f'<text x="4" y="12">{name}</text>')
        parts.append(_box(TARGET, "#2e8b57", "#2e8b5733"))
        for box, move in zip(boxes.tolist(), (-slope).tolist(), strict=True):
            parts.append(_box(box, "#1b6ca8", "none"))
            longest = max(max(map(abs, move)), 1e-12)
            if longest < 1e-9:
                continue
            step = [1.2 * m / longest for m in move]
            for x in (0, 2):
                for y in (1, 3):
                    parts.append(_arrow(box[x], box[y], step[x], step[y]))
        parts.append("</g>")
    return "\n".join([*parts, "</svg>\n"])


def _box(box: list[float], stroke: str, fill: str) -> str:
    x, y, right, bottom = (20 * b for b in box)
    return (
        f'<rect x="{x:.0f}" y="{y + 14:.0f}" width="{right - x:.0f}" height="{bottom - y:.0f}"'
        f' stroke="{stroke}" fill="{fill}"/>'
    )


def _arrow(x: float, y: float, dx: float, dy: float) -> str:
    if abs(dx) + abs(dy) < 0.05:
        return ""
    return (
        f'<line x1="{20 * x:.1f}" y1="{20 * y + 14:.1f}" x2="{20 * (x + dx):.1f}"'
        f' y2="{20 * (y + dy) + 14:.1f}" stroke="#d1495b" marker-end="url(#tip)"/>'
    )


if __name__ == "__main__":
    raise SystemExit(main())
