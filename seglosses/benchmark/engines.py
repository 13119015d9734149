"""What trains a run: MMSegmentation, or nnU-Net with all of its own pipeline."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from seglosses.benchmark.campaign import Campaign
from seglosses.benchmark.checkout import is_mixin_file, what_counts
from seglosses.benchmark.claims import claimed
from seglosses.benchmark.profiles import PROFILES
from seglosses.hosts.config_files import config_folder
from seglosses.hosts.needed import MMSEG, NNUNET, need

OWN = "nnunet"
"""Stands for nnU-Net's own loss among the names of mix-ins."""
_PATIENCE = 1800.0
_TAIL = 2000


class Engine(Protocol):
    """What trains.

    Attributes:
        framework: First folder of the layout below the top.
        file: Name of what describes a run, in its folder.
    """

    framework: str
    file: str

    def check(self, who: str) -> None:
        """Raise a ValueError that names the command where it is not installed."""

    def prepare(self, campaign: Campaign, digest: str) -> None:
        """Make, once for all runs, what they read."""

    def config(self, campaign: Campaign, loss: str) -> Any:
        """All of a run but seed and folder, with a ``pretty_text``."""

    def placed(self, config: Any, seed: int, folder: Path) -> Any:
        """The same with a seed and the folder of the run."""

    def counts(self, config: Any, campaign: Campaign) -> str:
        """What decides the result of a training, as text."""

    def card(self, config: Any, campaign: Campaign) -> dict[str, Any]:
        """What a card says of the training."""

    def train_and_test(self, folder: Path) -> dict[str, Any]:
        """Do a run; predictions, labels and images go to ``test`` in its folder."""


class MMSegEngine:
    """MMSegmentation, with a leaf config of ours."""

    framework = "supervised"
    file = "config.py"

    def check(self, who: str) -> None:
        """It must be installed."""
        need(MMSEG, who)

    def prepare(self, campaign: Campaign, digest: str) -> None:
        """Nothing: it reads the images as they are."""

    def config(self, campaign: Campaign, loss: str) -> Any:
        """The leaf with the mix-in."""
        # A report needs no mmengine, and its module is loaded beside this one.
        from seglosses.hosts.openmmlab.runs import compose
        from seglosses.hosts.openmmlab.training import build_losses

        options: dict[str, Any] = {"train_dataloader.dataset.train_size": campaign.train_size}
        if campaign.all_groups:
            options["test_dataloader.dataset.groups"] = None
        cfg = compose(
            config_folder() / campaign.config,
            loss=loss,
            data=str(campaign.data),
            labels=campaign.labels,
            iters=campaign.length,
            seed=0,
            work_dir="WORK",
            options=options,
        )
        build_losses(cfg)
        hooks, iters = cfg.default_hooks, int(cfg.train_cfg.max_iters)
        hooks.logger.interval = min(50, max(1, iters // 10))
        hooks.checkpoint.interval = min(hooks.checkpoint.interval, iters)
        if campaign.balance:
            hook = {"type": "seglosses.LossBalanceHook", "interval": min(20, max(1, iters // 10))}
            cfg.custom_hooks = [*cfg.get("custom_hooks", []), hook]
        return cfg

    def placed(self, config: Any, seed: int, folder: Path) -> Any:
        """Seed and work_dir."""
        config.randomness["seed"] = seed
        config.work_dir = str(folder)
        return config

    def counts(self, config: Any, campaign: Campaign) -> str:
        """What mmengine reads of it."""
        return what_counts(config.to_dict()).replace(str(campaign.data), "DATA")

    def card(self, config: Any, campaign: Campaign) -> dict[str, Any]:
        """The leaf, and the length."""
        return {
            "engine": "mmseg",
            "leaf": f"configs/{campaign.config}",
            "iters": int(config.train_cfg.max_iters),
        }

    def train_and_test(self, folder: Path) -> dict[str, Any]:
        """Through mmengine's runner."""
        from seglosses.hosts.openmmlab.training import train_and_test

        return train_and_test(folder / self.file, folder / "test")


class NnUNetEngine:
    """nnU-Net v2: its planning, network, augmentation, schedule and inference, with our losses."""

    framework = "nnunet"
    file = "training.json"

    def check(self, who: str) -> None:
        """It must be installed."""
        need(NNUNET, f"{who} --engine nnunet")

    def prepare(self, campaign: Campaign, digest: str) -> None:
        """Let nnU-Net plan and preprocess the data; what is ready stays."""
        from seglosses.hosts.nnunet.data import Source, ready

        source = Source(
            str(campaign.data), campaign.labels, campaign.train_size,
            PROFILES[campaign.profile].side, f"{digest}, nnU-Net {version('nnunetv2')}",
        )  # fmt: skip
        folder = _data(campaign)
        folder.mkdir(parents=True, exist_ok=True)
        with claimed(folder, patience=_PATIENCE):
            if ready(folder, source):
                return
            print(f"nnU-Net plans and preprocesses the images; log: {folder / 'log.txt'}")
            (folder / "source.json").write_text(source.written(), encoding="utf-8")
            words = [sys.executable, "-m", "seglosses.hosts.nnunet.data", str(folder)]
            words.append(str(os.getpid()))
            with (folder / "log.txt").open("w", encoding="utf-8") as log:
                status = subprocess.run(words, stdout=log, stderr=log, check=False).returncode
            if status:
                end = (folder / "log.txt").read_text(encoding="utf-8", errors="replace")[-_TAIL:]
                raise ValueError(f"nnU-Net could not prepare {campaign.data}:\n{end}")

    def config(self, campaign: Campaign, loss: str) -> Any:
        """The mix-in's losses, and a length in nnU-Net's epochs."""
        from seglosses.hosts.nnunet.spec import Task, build_losses
        from seglosses.hosts.nnunet.training import EPOCH, Training, length

        if campaign.balance:
            raise ValueError("--balance is measured by MMSegmentation's hook; leave --engine out")
        entries = mixin_entries(loss)
        build_losses(entries, Task(2, 2, batch_dice=True, configuration="the 2D configuration"))
        iters = 1000 * EPOCH if campaign.length is None else campaign.length
        return Training(entries, *length(iters), 0, str(_data(campaign)))

    def placed(self, config: Any, seed: int, folder: Path) -> Any:
        """Seed; results go beside the description."""
        from dataclasses import replace

        return replace(config, seed=seed)

    def counts(self, config: Any, campaign: Campaign) -> str:
        """All of it, the version of nnU-Net, labels, and the size of the images."""
        known = json.loads(config.pretty_text)
        side = PROFILES[campaign.profile].side
        known |= {"data": [campaign.labels, campaign.train_size, side]}
        return json.dumps(known | {"nnU-Net": version("nnunetv2")}, sort_keys=True)

    def card(self, config: Any, campaign: Campaign) -> dict[str, Any]:
        """Its version, and the length."""
        return {
            "engine": "nnunet",
            "engine_version": version("nnunetv2"),
            "iters": config.iters,
            "epochs": config.epochs,
        }

    def train_and_test(self, folder: Path) -> dict[str, Any]:
        """Through nnU-Net's trainer and predictor."""
        from seglosses.hosts.nnunet.training import train_and_test

        return train_and_test(folder / self.file, folder / "test")


ENGINES: dict[str, Engine] = {"mmseg": MMSegEngine(), "nnunet": NnUNetEngine()}


def mixin_entries(loss: str) -> list[dict[str, Any]]:
    """The losses of a mix-in, as nnU-Net's trainers read them.

    Args:
        loss: Name of a mix-in, path of a file like one, or :data:`OWN`.

    Returns:
        Entries of :func:`seglosses.hosts.nnunet.spec.read_entries`.

    Raises:
        ValueError: It is a mix-in for a head that nnU-Net has not.

    Example:
        >>> mixin_entries("ce_dice")
        [{'type': 'CrossEntropyLoss'}, {'type': 'DiceLoss'}]
        >>> mixin_entries("nnunet")
        [{'type': 'nnUNet'}]
    """
    from seglosses.hosts.nnunet import spec

    if loss == OWN:
        return [{"type": spec.OWN}]
    path = Path(loss) if is_mixin_file(loss) else config_folder() / "losses" / f"{loss}.py"
    known = runpy.run_path(str(path))
    if "loss_decode" not in known:
        raise ValueError(f"{path} has no loss_decode, the only kind of loss that nnU-Net takes")
    given = known["loss_decode"]
    return spec.read_entries(given if isinstance(given, list | tuple) else [given])


def _data(campaign: Campaign) -> Path:
    side = PROFILES[campaign.profile].side
    name = f"{campaign.labels}-{campaign.train_size}-{'whole' if side is None else side}"
    return campaign.out / "nnunet_data" / name
