"""How large the trainings of a benchmark are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """How large the trainings are.

    Attributes:
        leaf: Config, everything but the loss, below ``configs``.
        iters: Length of a training; None for that of the leaf.
        gpu: Whether it can only be trained on a GPU.
        about: For ``--help``.
        side: Height and width to which images are shrunk, as the leaf does; None for whole ones.
    """

    leaf: str
    iters: int | None
    gpu: bool
    about: str
    side: int | None = None


PROFILES = {
    "smoke": Profile("topomortar/unet_128.py", 150, False, "128 px, 150 iterations", 128),
    "cpu": Profile("topomortar/unet_128.py", 300, False, "128 px, 300 iterations", 128),
    "thin": Profile("thin/unet_256.py", 500, False, "crops of 256 px, 500 iterations"),
    "paper": Profile("topomortar/unet_512.py", None, True, "512 px, 12000 iterations, on a GPU"),
}
