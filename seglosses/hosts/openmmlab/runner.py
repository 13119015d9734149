"""mmengine's Runner with robust checkpoints, and resumed trainings that continue correctly."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mmengine.dist import master_only
from mmengine.runner import Runner

from seglosses.hosts.openmmlab.checkpoints import explained, newest_checkpoint, weights_only

_PROGRESS = {"last_step", "_global_step", "_last_value", "base_values", "optimizer", "verbose"}
"""What a scheduler changes while it runs; all else are its settings."""


class CheckedRunner(Runner):
    """Differs from mmengine's in four things, which its own hooks and configs do not notice.

    * A checkpoint is written beside its place and then moved there: whole, or not at all.
    * ``resume`` without a file goes back to the newest checkpoint that can be read, and names the
      damaged ones.
    * mmengine lets the schedules of the checkpoint win over those of the config, so that a longer
      training goes on with a learning rate of zero. Here those of the config win where they
      differ, set to the iteration of the checkpoint, and a warning says so; another warning names
      settings of the optimizer in which the checkpoint wins.
    * A training that is at its end already says so.
    """

    optim_wrapper: Any
    param_schedulers: Any
    _resume: bool
    _load_from: str | None

    def load_or_resume(self) -> None:
        """Load or resume, from the newest sound checkpoint where none is given."""
        if self._resume and self._load_from is None and not self._has_loaded:
            newest = newest_checkpoint(self.work_dir)
            self._load_from = None if newest is None else str(newest)
            # mmengine would look for a file that is damaged or gone
            self._resume = newest is not None
        super().load_or_resume()

    def load_checkpoint(self, filename: str, *args: object, **options: object) -> Any:
        """Read weights; see :func:`seglosses.hosts.openmmlab.checkpoints.explained`."""
        with weights_only(), explained(filename, "add --trust-checkpoint"):
            return super().load_checkpoint(filename, *args, **options)

    @master_only
    def save_checkpoint(
        self, out_dir: str, filename: str, *args: object, **options: object
    ) -> None:
        """Write a checkpoint whole or not at all; remote ones as mmengine does."""
        if "://" in str(out_dir):
            super().save_checkpoint(out_dir, filename, *args, **options)
            return
        draft = f"{filename}.part"
        super().save_checkpoint(out_dir, draft, *args, **options)
        path = Path(out_dir, draft)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        path.replace(Path(out_dir, filename))

    def resume(
        self,
        filename: str,
        resume_optimizer: bool = True,
        resume_param_scheduler: bool = True,
        map_location: Any = "default",
    ) -> None:
        """Resume, with the schedules of the config where they differ from the checkpoint's."""
        self.optim_wrapper = self.build_optim_wrapper(self.optim_wrapper)
        if self.param_schedulers is not None:
            self.param_schedulers = self.build_param_scheduler(self.param_schedulers)
        planned = [_settings(one) for one in _flat(self.param_schedulers)]
        wanted = [_groups(one) for one in _optimizers(self.optim_wrapper)]
        super().resume(filename, resume_optimizer, resume_param_scheduler, map_location)
        found = [_settings(one) for one in _flat(self.param_schedulers)]
        changes = [
            f"{name} {_shown(there[name])} instead of {_shown(here.get(name))}"
            for here, there in zip(found, planned, strict=True)
            for name in there
            if here.get(name) != there[name]
        ]
        self._name_what_is_ignored(filename, wanted)
        if changes and self.cfg.get("param_scheduler"):
            self._reschedule()
            rates = sorted({group["lr"] for one in self._all_optimizers() for group in one})
            self.logger.warning(
                f"the schedules of the config differ from those in {filename}"
                f" ({', '.join(dict.fromkeys(changes))}); those of the config are used, from"
                f" iteration {self.iter} on: the learning rate is {_shown(rates)}"
            )
        if self.iter >= self.max_iters:
            self.logger.warning(
                f"{filename} is at iteration {self.iter}, and the training ends at"
                f" {self.max_iters}: there is nothing left to train; make it longer with --iters"
            )

    def _name_what_is_ignored(self, filename: str, wanted: list[list[dict[str, Any]]]) -> None:
        """Warn of numbers of the config's optimizer for which the checkpoint has others."""
        ignored = {
            f"{name}={_shown(there[name])} (it has {_shown(here[name])})"
            for before, after in zip(wanted, self._all_optimizers(), strict=True)
            for there, here in zip(before, after, strict=False)
            for name in there
            if name in here and here[name] != there[name]
        }
        if ignored:
            self.logger.warning(
                f"the optimizer goes on with the settings in {filename}, so these of the config are"
                f" not used: {', '.join(sorted(ignored))}; to use them, load the weights alone"
                " (load_from without resume)"
            )

    def _all_optimizers(self) -> list[list[dict[str, Any]]]:
        return [_groups(one) for one in _optimizers(self.optim_wrapper)]

    def _reschedule(self) -> None:
        """Build the config's schedules anew and run them to the present iteration."""
        names = {one.param_name for one in _flat(self.param_schedulers)}
        for optimizer in _optimizers(self.optim_wrapper):
            for group in optimizer.param_groups:
                for name in names:
                    if f"initial_{name}" in group:
                        group[name] = group[f"initial_{name}"]
        with warnings.catch_warnings():
            # that the optimizer did not step in between
            warnings.simplefilter("ignore", UserWarning)
            self.param_schedulers = self.build_param_scheduler(
                copy.deepcopy(self.cfg.param_scheduler)
            )
            schedules = list(_flat(self.param_schedulers))
            for by_epoch, steps in ((False, self.iter), (True, self.epoch)):
                for _ in range(steps):
                    for one in schedules:
                        if one.by_epoch == by_epoch:
                            one.step()


def _flat(schedulers: Any) -> Iterator[Any]:
    """Schedulers that are built, of one optimizer or of several by name."""
    if isinstance(schedulers, dict):
        schedulers = [one for group in schedulers.values() for one in group]
    for one in schedulers or ():
        if hasattr(one, "state_dict"):
            yield one


def _optimizers(wrapper: Any) -> Iterable[Any]:
    if hasattr(wrapper, "optim_wrappers"):
        return [one.optimizer for one in wrapper.optim_wrappers.values()]
    return [wrapper.optimizer] if hasattr(wrapper, "optimizer") else []


def _settings(scheduler: Any) -> dict[str, Any]:
    return {k: v for k, v in scheduler.state_dict().items() if k not in _PROGRESS}


def _groups(optimizer: Any) -> list[dict[str, Any]]:
    """Numbers of each group: what schedules change by its initial value alone."""
    groups = []
    for group in optimizer.param_groups:
        row = {name: value for name, value in group.items() if name != "params"}
        initial = {name: row[f"initial_{name}"] for name in row if f"initial_{name}" in row}
        groups.append({**row, **initial} if initial else row)
    return groups


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_shown(one) for one in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


__all__ = ["CheckedRunner"]
