"""What a run reads back from mmengine's logs: times and losses, also of one that was killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seglosses.hosts.cost import loss_curve
from seglosses.hosts.openmmlab.training import logged_losses, seconds_per_iteration


def write_log(work_dir: Path, name: str, entries: list[dict[str, float]], end: str = "") -> None:
    path = work_dir / name / "vis_data" / "scalars.json"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in entries) + end)


def test_a_resumed_training_replaces_what_it_repeats(tmp_path: Path) -> None:
    """The first log is cut off within a line; iteration 20 was trained twice."""
    first = [{"loss": 4.0, "time": 0.1, "step": 10}, {"loss": 3.0, "time": 0.1, "step": 20}]
    write_log(tmp_path, "20260101_000000", first, end='{"loss": 2.9, "ti')
    again = [{"loss": 2.0, "time": 0.3, "step": 20}, {"loss": 1.0, "time": 0.5, "step": 30}]
    tested = {"aAcc": 97.0, "time": 9.0, "step": 40}
    write_log(tmp_path, "20260101_010000", [*again, tested])
    assert logged_losses(tmp_path) == {10: 4.0, 20: 2.0, 30: 1.0}
    assert seconds_per_iteration(tmp_path) == pytest.approx(0.2)


def test_times_that_are_missing_are_named(tmp_path: Path) -> None:
    write_log(tmp_path, "20260101_000000", [], end='{"loss"')
    with pytest.raises(ValueError, match="no iteration time in the logs"):
        seconds_per_iteration(tmp_path)


def test_the_parts_of_a_curve_are_eighths() -> None:
    """Of 20 iterations: 2.5 each, so that the third begins part 2 and the last ends part 8."""
    assert loss_curve({3: 1.0, 4: 3.0, 18: 5.0, 20: 7.0}, 20) == [
        1.0, 3.0, None, None, None, None, 5.0, 7.0,
    ]  # fmt: skip
    beyond = loss_curve({0: 1.0, 1: 3.0, 9: 5.0}, 8)
    assert (beyond[0], beyond[-1]) == (2.0, 5.0)
    diverged = loss_curve({1: float("nan"), 2: 1.0}, 8)
    assert diverged[:3] == [None, 1.0, None]
