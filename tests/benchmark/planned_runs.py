"""Runs that are planned, and finished without a training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seglosses.benchmark.campaign import Campaign
from seglosses.benchmark.plan import Run, plan


def planned(bricks: Path, out: Path, **changes: Any) -> list[Run]:
    options: dict[str, Any] = {"labels": "noisy", "train_size": "small", "profile": "smoke"}
    return plan(
        Campaign(out, bricks, **{**options, "iters": 4, **changes}),
        ["ce_dice", "dice_cldice"],
        [0, 1],
    )


def finish(one: Run) -> None:
    one.folder.mkdir(parents=True, exist_ok=True)
    one.scores.write_text("ID\n")
    one.scores.with_suffix(".json").write_text(json.dumps(one.card))
