"""The benchmark's report in a real browser: nothing fails, tables sort, figures are there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses.benchmark.report import report
from seglosses.evaluate.mortar_folder import as_csv, score_folder

GROUPS = {"071": "indistr", "072": "indistr", "073": "indistr", "121": "angles", "171": "colors"}
LOSSES = {"ce_dice": 0.06, "dice_cldice": 0.02, "ce_dice_topo": 0.1}
ACT = """
for(const head of document.querySelectorAll("th"))head.click();
const head=document.querySelectorAll("#cost-supervised-accurate-large th")[3];
head.click();if(head.ariaSort!=="ascending")head.click();
document.querySelector("figure img").click();
document.body.dataset.wide=document.documentElement.scrollWidth>innerWidth?"yes":"no";
document.body.dataset.broken=[...document.images].filter(i=>!i.naturalWidth).length;
document.body.dataset.flat=[...document.querySelectorAll("svg.chart")].filter(
s=>s.getBoundingClientRect().height<40||/NaN|Infinity/.test(s.outerHTML)).length;
"""


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three losses with two seeds each: predictions as a run leaves them, scored as a run does."""
    root = tmp_path / "runs"
    rng = np.random.default_rng(0)
    targets = {name: np.kron(rng.random((6, 6)) > 0.4, np.ones((8, 8))) > 0 for name in GROUPS}
    for number, (loss, noise) in enumerate(LOSSES.items()):
        for seed in "01":
            folder = root / "supervised" / "accurate" / "large" / loss / seed
            for kind in ("images", "labels", "predictions"):
                (folder / "test" / kind).mkdir(parents=True)
            for name, target in targets.items():
                pred = target ^ (rng.random(target.shape) < noise)
                photo = np.repeat(90 + 80 * target[..., None], 3, axis=2)
                for kind, pixels in (("images", photo), ("labels", target), ("predictions", pred)):
                    picture = Image.fromarray(pixels.astype(np.uint8))
                    picture.save(folder / "test" / kind / f"{name}.png")
            rows, sizes = score_folder(folder / "test")
            card = {"image_size": sizes[0], "seconds_per_iteration": 0.1 + number / 20}
            card["peak_memory_mib"] = 500.0 + number
            folder.with_name(f"{seed}.json").write_text(json.dumps(card), "utf-8")
            folder.with_name(f"{seed}.csv").write_text(as_csv(rows), "utf-8")
    groups = [f"{name},{group}" for name, group in GROUPS.items()]
    (root / "dataset_types.txt").write_text("\n".join(["ID,group", *groups]) + "\n", "utf-8")
    return root


@pytest.mark.slow
@pytest.mark.parametrize("stat", ["image", "paper"])
def test_tables_sort_and_figures_are_there(
    stat: str, runs: Path, tmp_path: Path, browse: Callable[[Path, str], str]
) -> None:
    rows = report(runs, tmp_path / "out", baseline="ce_dice", stat=stat)  # type: ignore[arg-type]
    dom = browse(tmp_path / "out" / "report.html", ACT)
    assert 'data-wide="no"' in dom
    assert 'data-broken="0"' in dom
    assert 'data-flat="0"' in dom
    assert "<dialog open" in dom
    # Betti-0 and Betti-1: shares, and each of two losses against the baseline; and the costs.
    assert dom.count("<svg") == 2 * 3 + 1
    # Four images under three losses.
    assert dom.count("<figure") == 4 * 3
    errors = {
        loss: sum(
            row.mean
            for row in rows
            if (row.set, row.loss) == ("ID", loss) and row.metric in ("Betti0Error", "Betti1Error")
        )
        for loss in LOSSES
    }
    table = dom[dom.index('id="cost-supervised-accurate-large"') :]
    shown = re.findall(r"<tr><td>(\w+)</td>", table)[:3]
    assert shown == sorted(LOSSES, key=errors.__getitem__)


@pytest.mark.slow
def test_two_widths_in_light_and_dark(
    runs: Path, tmp_path: Path, looked_at: Callable[[Path], str]
) -> None:
    report(runs, tmp_path / "out", baseline="ce_dice", names={"ce_dice": "CE + Dice"})
    assert "CE + Dice" in looked_at(tmp_path / "out" / "report.html")
