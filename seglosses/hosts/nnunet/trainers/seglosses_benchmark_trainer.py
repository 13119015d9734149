"""The trainer of ``seglosses benchmark run --engine nnunet``; nnU-Net finds it to predict."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

from seglosses.hosts.nnunet.trainers.seglosses_trainers import nnUNetTrainerSeglosses

TIMES = "seglosses_times.jsonl"


class nnUNetTrainerBenchmark(nnUNetTrainerSeglosses):
    """nnU-Net's trainer of a given length, which says how far it is and keeps times and losses."""

    _given: list[dict[str, Any]] | None = None

    def set_up(self, losses: list[dict[str, Any]], epochs: int, iterations: int) -> None:
        """Train so many epochs of so many iterations, with a fifth as many for validation."""
        self._given = losses
        self.num_epochs, self.num_iterations_per_epoch = epochs, iterations
        self.num_val_iterations_per_epoch = max(1, iterations // 5)
        self.save_every = max(1, epochs // 20)
        self._seconds: list[float] = []
        self._losses: list[float] = []

    def _entries(self) -> list[dict[str, Any]]:
        return super()._entries() if self._given is None else self._given

    def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        started = time.perf_counter()
        done: dict[str, Any] = super().train_step(batch)  # waits for the device
        self._seconds.append(time.perf_counter() - started)
        self._losses.append(float(done["loss"]))
        return done

    def on_epoch_end(self) -> None:
        super().on_epoch_end()
        each = self.num_iterations_per_epoch
        line = {
            "epoch": self.current_epoch,
            "seconds": statistics.median(self._seconds),
            "loss": statistics.fmean(self._losses),
        }
        self._seconds, self._losses = [], []
        with Path(self.output_folder, TIMES).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(
            f"Iter(train) [{self.current_epoch * each}/{self.num_epochs * each}]"
            f"  time: {line['seconds']:.4f}",
            flush=True,
        )
