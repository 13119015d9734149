"""Temperature scaling of a folder of probability maps, with a report."""

from seglosses.calibrate.command import add_arguments, run
from seglosses.calibrate.scaling import Calibration, calibrate

__all__ = ["Calibration", "add_arguments", "calibrate", "run"]
