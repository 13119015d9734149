"""What every test shares: one thread, seeds, slow tests on request, real data, a browser."""

from __future__ import annotations

import html
import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Set before torch, numba or a BLAS is imported: tests are small, and several threads per process
# only fight each other on a busy machine.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

_ON = {"1", "true", "yes"}

_PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", max_examples=15, derandomize=True, **_PATIENT)
settings.register_profile("ci", max_examples=25, derandomize=True, **_PATIENT)
settings.register_profile("thorough", max_examples=300, **_PATIENT)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE")
    or ("ci" if os.environ.get("CI", "").lower() in _ON else "quick")
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")
    parser.addoption(
        "--elsewhere", action="store_true", help="let CPU tensors take the branches of devices"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: needs --slow or RUN_SLOW=1")
    config.addinivalue_line("markers", "at_hand: speaks of CPU tensors, not of other devices")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Let every test draw the same numbers, whatever ran before it in its process."""
    import numpy as np
    import torch

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the hosts draw from it
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``--elsewhere``: every test on the branches for devices, checks at once."""
    if request.config.getoption("--elsewhere"):
        from seglosses.primitives import device

        monkeypatch.setattr(device, "HOSTS", frozenset())
        monkeypatch.setenv("SEGLOSSES_CHECKS", "sync")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let CPU tensors take the branches written for other devices."""
    from seglosses.primitives import device

    monkeypatch.setattr(device, "HOSTS", frozenset())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--elsewhere"):
        there = pytest.mark.skip(reason="what only a host that reads numbers can tell")
        for item in items:
            if "at_hand" in item.keywords:
                item.add_marker(there)
    if config.getoption("--slow") or os.environ.get("RUN_SLOW", "").lower() in _ON:
        return
    skip = pytest.mark.skip(reason="slow: run with --slow or RUN_SLOW=1")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real images: SEGLOSSES_DATA, else ../shared/data beside the repository."""
    named = os.environ.get("SEGLOSSES_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set SEGLOSSES_DATA to the folder that holds it")
    return folder


BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--dump-dom",
)  # fmt: skip


# What a page must hold at any width: nothing wider than the screen, no failed picture or chart.
LOOK = """
document.body.dataset.wide=document.documentElement.scrollWidth>innerWidth?"yes":"no";
document.body.dataset.broken=[...document.images].filter(i=>!i.naturalWidth).length;
document.body.dataset.flat=[...document.querySelectorAll("svg.chart")].filter(
s=>s.getBoundingClientRect().height<30||/NaN|Infinity/.test(s.outerHTML)).length;
document.body.dataset.ground=getComputedStyle(document.body).backgroundColor;
document.body.dataset.inner=innerWidth;
"""
SCREENS = {"phone": 390, "desktop": 1200}
GROUNDS = {"light": "rgb(246, 247, 249)", "dark": "rgb(20, 23, 28)"}
# A window of the browser has at least 500 pixels, so a phone is a frame in one.
FRAME = """<!doctype html><html><body><iframe width="{}" height="844" srcdoc="{}"></iframe><script>
const frame=document.querySelector("iframe");frame.onload=()=>{{
const text=frame.contentDocument.documentElement.outerHTML;frame.remove();
document.body.textContent=text}}</script></body></html>"""


@pytest.fixture
def browser() -> str:
    """Path of a browser; the test skips where there is none."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    return found


@pytest.fixture
def opened(tmp_path: Path, browser: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Open an address in a headless browser, and give its DOM and what it wrote to the console.

    Takes the address and flags of the browser. One that hangs, as a starved one does now and then,
    is started a second time.
    """

    def opened(address: str, *flags: str) -> subprocess.CompletedProcess[str]:
        def attempt(name: str) -> subprocess.CompletedProcess[str]:
            run = [browser, *BROWSER_FLAGS, *flags, f"--user-data-dir={tmp_path / name}", address]
            return subprocess.run(run, capture_output=True, text=True, timeout=120, check=True)

        try:
            return attempt("profile")
        except subprocess.TimeoutExpired:
            return attempt("second")

    return opened


@pytest.fixture
def browse(
    tmp_path: Path, opened: Callable[..., subprocess.CompletedProcess[str]]
) -> Callable[..., str]:
    """Open a page in a headless browser, act on it by a script, and give the DOM afterwards.

    Takes the page, the script, and by keyword ``width`` in pixels (800) and ``dark`` (False). Fails
    when the page writes to the console, as uncaught errors do.
    """

    def browse(page: Path, script: str, *, width: int = 800, dark: bool = False) -> str:
        acted = tmp_path / "act.html"
        text = page.read_text("utf-8").replace("</body>", f"<script>{script}</script></body>")
        framed = width < 500
        acted.write_text(FRAME.format(width, html.escape(text)) if framed else text, "utf-8")
        look = [f"--window-size={max(width, 500)},844"]
        look.append(f"--blink-settings=preferredColorScheme={0 if dark else 1}")
        done = opened(acted.as_uri(), *look)
        assert re.findall(r".*CONSOLE.*", done.stderr) == []
        if framed:
            return html.unescape(done.stdout)
        return done.stdout

    return browse


@pytest.fixture
def looked_at(browse: Callable[..., str]) -> Callable[[Path], str]:
    """Open a page at two widths, light and dark, and check what :data:`LOOK` says of it.

    Gives the DOM of the widest, in light.
    """

    def look(page: Path) -> str:
        dom = ""
        for screen, width in SCREENS.items():
            for ground, colour in GROUNDS.items():
                dark = ground == "dark"
                dom = browse(page, LOOK, width=width, dark=dark)
                for said in ('wide="no"', 'broken="0"', 'flat="0"', f'inner="{width}"'):
                    assert f"data-{said}" in dom, f"{screen}, {ground}: not {said}"
                assert f'data-ground="{colour}"' in dom, f"{screen}, {ground}"
        return browse(page, LOOK, width=SCREENS["desktop"])

    return look
