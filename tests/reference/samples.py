"""Four samples of three classes, for which published codes of single pixels were run."""

from __future__ import annotations

import torch

from tests.goldens.published import values

#: Logits (4, 3) and labels (4,).
LOGITS, LABELS = (torch.tensor(values("cls_losses")["_inputs"][key]) for key in "xy")
