"""Scores of runs, as a benchmark writes them."""

from __future__ import annotations

import json

HEADS = (
    "ID,Betti0ErrorLocal_mortar,Betti0Error_mortar,Betti1ErrorLocal_mortar,"
    "Betti1Error_mortar,Dice_mortar,HD95_mortar,clDice_mortar"
)


GROUP = {"071": "indistr", "072": "indistr", "121": "angles", "171": "colors", "172": "colors"}


def write_run(root, loss, seed, numbers, *, setting="supervised/accurate/large", card=None):
    """Scores of one run: id to (Betti-0 error, Betti-1 error, Dice, HD95)."""
    path = root / setting / loss / f"{seed}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [HEADS]
    for name, (b0, b1, dice, hd95) in numbers.items():
        lines.append(f"{name},0.5,{b0},0.25,{b1},{dice},{hd95},0.75")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if card is not None:
        path.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    return path


def write_groups(root, groups=None):
    root.mkdir(parents=True, exist_ok=True)
    lines = ["ID,group", *(f"{name},{group}" for name, group in (groups or GROUP).items())]
    (root / "dataset_types.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def rows_of(rows, chosen, metric):
    return {row.loss: row for row in rows if (row.set, row.metric) == (chosen, metric)}
