"""What only an environment with nnU-Net can import is not looked at for tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

collect_ignore_glob = ["session.py", "short_trainers/*", "torchvision_operators.py"]


@pytest.fixture(scope="module")
def python():
    """An environment with nnU-Net, whose torchvision would not do for the other tests."""
    named = os.environ.get("SEGLOSSES_NNUNET_PYTHON")
    path = Path(named) if named else ROOT / ".venv-nnunet" / "bin" / "python"
    if not path.is_file():
        pytest.skip(f"no nnU-Net at {path}: tools/test.sh makes .venv-nnunet, or name an"
                    " interpreter by SEGLOSSES_NNUNET_PYTHON")  # fmt: skip
    return path
