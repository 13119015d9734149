"""The walk over the emulated accelerator, made once for all tests and processes of pytest-xdist."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import seglosses

ROOT = Path(seglosses.__file__).parents[1]
Walk = dict[str, dict[str, dict[str, Any]]]


@pytest.fixture(scope="session")
def paper() -> None:
    """Skip where the emulated accelerator cannot be made."""
    from torch.utils import backend_registration

    if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        pytest.skip("this torch knows no devices that are written in Python")


@pytest.fixture
def printed(paper: None) -> Callable[[str], str]:
    """What a program prints first: the device must be there before the first backward pass."""

    def printed(program: str) -> str:
        environment = {k: v for k, v in os.environ.items() if k != "SEGLOSSES_CHECKS"}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            env={**environment, "PYTHONPATH": str(ROOT)},
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.split("\n")[0]

    return printed


@pytest.fixture(scope="session")
def walk(paper: None, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Walk]:
    """Results of :mod:`tests.devices.walk` for variants, named with commas, and further words."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base

    def walk(variants: str, *words: str) -> Walk:
        path = folder / f"walk {' '.join((variants.replace(',', ' '), *words))}.json"
        try:
            lock = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            deadline = time.monotonic() + 600
            waited_for = path.with_suffix(".lock")
            while not path.exists() and waited_for.exists() and time.monotonic() < deadline:
                time.sleep(0.2)
        else:
            os.close(lock)
            program = (sys.executable, "-W", "ignore", "-m", "tests.devices.walk")
            # a process of its own: the device must be there before the first backward pass
            try:
                done = subprocess.run(
                    [*program, "", variants, *words],
                    cwd=ROOT,
                    env={**os.environ, "SEGLOSSES_CHECKS": "async", "PYTHONPATH": str(ROOT)},
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                )
            except subprocess.CalledProcessError:
                # who waits for the walk must not wait ten minutes for nothing
                path.with_suffix(".lock").unlink()
                raise
            part = path.with_suffix(".part")
            part.write_text(done.stdout, "utf-8")
            part.rename(path)
        found: Walk = json.loads(path.read_text("utf-8"))
        return found

    return walk
