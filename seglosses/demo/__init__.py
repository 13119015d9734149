"""``seglosses demo``: the main job from start to end, comparing two losses through mmseg."""

from seglosses.demo.command import add_arguments, run

__all__ = ["add_arguments", "run"]
