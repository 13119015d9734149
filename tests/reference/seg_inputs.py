"""One batch, two images of three classes, for which published codes were run."""

from __future__ import annotations

from tests.goldens.published import inputs

#: Logits (2, 3, 4, 4), labels, the same with some pixels ignored, soft labels, pixels that count.
LOGITS, LABELS, IGNORED, SOFT, KEEP = (
    inputs("seg_inputs")[key] for key in ("logits", "hard", "hard_ign", "soft", "keep")
)
