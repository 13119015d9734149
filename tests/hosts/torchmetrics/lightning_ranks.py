"""Validate seven images on two processes of Lightning, and print what each of them has."""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from seglosses.evaluate.results import Results
from tests.evaluate.test_accumulator import images


def validation(lightning: Any, scores: Any) -> Any:
    """A module that scores what it is given."""

    class Validation(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(()))
            self.scores = scores

        def validation_step(self, batch, index) -> None:
            logits, labels, names = batch
            self.scores.update(logits + self.weight, labels, ids=names)

        def on_validation_epoch_end(self) -> None:
            found: Results = self.scores.compute()
            self.log_dict(found)
            table = found.evaluation.table
            said = f"{len(self.scores.images)} here: {found['dice']} {found['hd95']} {table.images}"
            # one write: print's second one, of the newline, may come after the other process's line
            sys.stdout.write(said + "\n")

    return Validation()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    # torchvision, which Lightning imports where it is, has no operators beside a CPU build of torch
    sys.path += [sys.argv[1], str(Path(__file__).parents[1] / "nnunet")]
    importlib.import_module("torchvision_operators")
    import lightning

    from seglosses.metrics import Scores

    made = [(logits[:, :14, :11], target[:14, :11], name) for name, logits, target in images(7)]
    trainer = lightning.Trainer(
        accelerator="cpu", devices=2, strategy="ddp", logger=False, enable_progress_bar=False
    )
    module = validation(lightning, Scores(["overlap", "hd95"], 3, ignore_index=255))
    trainer.validate(module, DataLoader(made, batch_size=2), verbose=False)
