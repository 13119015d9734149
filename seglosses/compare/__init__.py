"""Two or more folders of predictions compared image by image, from Python or the shell."""

from seglosses.compare.command import add_arguments, run
from seglosses.compare.comparison import Comparison, compare
from seglosses.compare.paired import PairedRow
from seglosses.compare.sizes import SizeRow

__all__ = ["Comparison", "PairedRow", "SizeRow", "add_arguments", "compare", "run"]
