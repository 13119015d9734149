"""The report in a real browser: nothing fails, tables sort, pictures open."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seglosses.evaluate import evaluate

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

ACT = """<script>
addEventListener("error",()=>document.body.dataset.failed="yes");
const head=document.querySelectorAll("#scores th")[1];
head.click();head.click();
const box=document.querySelector("input[type=search]");
box.value="001";box.dispatchEvent(new Event("input"));
document.querySelector("figure img").click();
document.body.dataset.wide=document.documentElement.scrollWidth>innerWidth?"yes":"no";
</script>"""


@pytest.mark.slow
def test_sorts_filters_and_enlarges(tmp_path: Path) -> None:
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    rng = np.random.default_rng(0)
    for name in ("000", "001", "100"):
        target = np.zeros((32, 32), np.uint8)
        target[8:24, 8:24] = 255
        pred = np.where(rng.random(target.shape) > 0.9, 255 - target, target)
        for folder, mask in (("pred", pred), ("gt", target)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(mask.astype(np.uint8)).save(tmp_path / folder / f"{name}.png")
    result = evaluate(tmp_path / "pred", tmp_path / "gt", out=tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text("utf-8")
    page = tmp_path / "act.html"
    page.write_text(text.replace("</body>", ACT + "</body>"), "utf-8")
    command = [browser, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    done = subprocess.run(
        [*command, page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    dom = done.stdout
    assert 'data-failed="yes"' not in dom
    assert 'data-wide="no"' in dom
    assert "<dialog open" in dom
    body = dom[dom.index('id="scores"') :]
    rows = re.findall(r"<tr( hidden=\"\")?><td>(\d+)</td>", body)
    order = np.argsort(-result.table.matrix("dice")[:, 0])
    assert [name for _, name in rows] == [result.table.images[index] for index in order]
    assert {name for hidden, name in rows if hidden} == {"000", "100"}
    assert 'aria-sort="descending"' in body
