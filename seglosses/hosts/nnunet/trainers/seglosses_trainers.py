"""nnU-Net's trainer with our losses beside its own.

nnU-Net imports this file by itself, as ``seglosses_trainers`` from the folder that
``nnUNet_extTrainer`` names.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, ClassVar

from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from torch import nn

from seglosses.hosts.nnunet.loss import NnUNetLoss
from seglosses.hosts.nnunet.spec import OWN, Losses, Task, build_losses, read_entries, read_losses

VARIABLE = "SEGLOSSES_LOSSES"


class nnUNetTrainerSeglosses(nnUNetTrainer):
    """nnU-Net's trainer with the losses of a class attribute, or of ``SEGLOSSES_LOSSES``.

    All else is nnU-Net's: network, data, learning rate, deep supervision and its weights,
    validation and inference. Which losses were added up stands in ``seglosses_losses.json`` beside
    the checkpoints; a training goes on, and is validated, with the same ones.

    Attributes:
        losses: Names, or ``dict(type=..., option=...)``, of our losses; ``"nnUNet"`` is nnU-Net's
            own. None reads the environment variable. A ``loss_weight`` may be a schedule over the
            epochs, ``dict(value=0.02, start=0.5, warmup=0.1)``.
    """

    losses: ClassVar[Losses | None] = None

    def _build_loss(self) -> nn.Module:
        own = super()._build_loss()
        self.loss_entries = self._entries()
        labels = self.label_manager
        task = Task(
            heads=labels.num_segmentation_heads,
            dims=len(self.configuration_manager.patch_size),
            regions=labels.has_regions,
            ignore_label=labels.ignore_label,
            batch_dice=self.configuration_manager.batch_dice,
            ddp=self.is_ddp,
            configuration=self.configuration_name,
        )
        self.print_to_log_file(f"losses: {json.dumps(self.loss_entries)}")
        return NnUNetLoss(
            build_losses(self.loss_entries, task),
            task,
            own=own if {"type": OWN} in self.loss_entries else None,
            weights=own.weight_factors if self.enable_deep_supervision else None,
            compiled=self._do_i_compile(),
        )

    def _entries(self) -> list[dict[str, Any]]:
        said = os.environ.get(VARIABLE)
        if self.losses is not None:
            if said:
                raise ValueError(
                    f"{type(self).__name__} has losses of its own, and {VARIABLE} is set too:"
                    " unset it, or train with -tr nnUNetTrainerSeglosses"
                )
            return read_entries(self.losses)
        if said:
            return read_losses(said)
        if self._record.is_file():
            return read_entries(json.loads(self._record.read_text(encoding="utf-8")))
        raise ValueError(
            f'say which losses to train with: export {VARIABLE}="nnUNet, 0.5*SoftClDiceLoss"'
        )

    @property
    def _record(self) -> Path:
        return Path(self.output_folder, "seglosses_losses.json")

    def on_train_start(self) -> None:
        super().on_train_start()
        if self.local_rank == 0:
            self._record.write_text(json.dumps(self.loss_entries, indent=2) + "\n", "utf-8")

    def load_checkpoint(self, filename_or_checkpoint: dict[str, Any] | str) -> None:
        super().load_checkpoint(filename_or_checkpoint)
        if self._record.is_file():
            before = read_entries(json.loads(self._record.read_text(encoding="utf-8")))
            if before != self.loss_entries:
                raise ValueError(
                    f"the checkpoint was trained with {json.dumps(before)}, and now the losses are"
                    f" {json.dumps(self.loss_entries)}: unset {VARIABLE}, or train anew"
                )

    def on_train_epoch_start(self) -> None:
        super().on_train_epoch_start()
        for line in self.loss.set_progress(self.current_epoch / self.num_epochs):
            self.print_to_log_file(line)


class nnUNetTrainerClDice(nnUNetTrainerSeglosses):
    """Soft clDice beside nnU-Net's own loss: centre lines must agree as well."""

    losses = (OWN, {"type": "SoftClDiceLoss", "loss_weight": 0.5})


class nnUNetTrainerSkeletonRecall(nnUNetTrainerSeglosses):
    """Skeleton recall, in the proportions of its paper: thin structures without gaps, cheaply."""

    losses = (OWN, {"type": "SkeletonRecallLoss"})


class nnUNetTrainerCbDice(nnUNetTrainerSeglosses):
    """Centreline boundary Dice; cross-entropy, Dice and cbDice as 2 : 1 : 1, as in its paper."""

    losses = (OWN, {"type": "CrossEntropyLoss"}, {"type": "CenterlineBoundaryDiceLoss"})


class nnUNetTrainerBoundary(nnUNetTrainerSeglosses):
    """The boundary loss of Kervadec: what is wrong costs its distance to the true boundary."""

    losses = (OWN, {"type": "KervadecBoundaryLoss", "loss_weight": 0.01})


class nnUNetTrainerLateBettiMatching(nnUNetTrainerSeglosses):
    """Betti matching from half of the epochs on, when there is a shape to repair.

    Its weight is small because it sums over components and loops, which would drown Dice.
    """

    losses = (
        OWN,
        {"type": "BettiMatchingLoss", "loss_weight": {"value": 0.02, "start": 0.5, "warmup": 0.1}},
    )


class nnUNetTrainerJaccardMetric(nnUNetTrainerSeglosses):
    """Cross-entropy and the Jaccard metric loss in place of cross-entropy and Dice."""

    losses = ({"type": "CrossEntropyLoss"}, {"type": "JaccardMetricLoss"})
