"""Which losses fit a folder of label maps: what decides is measured, and rules say what follows."""

from seglosses.advise.command import add_arguments, run
from seglosses.advise.proposal import Proposal, propose
from seglosses.advise.reading import survey
from seglosses.advise.source import Source

__all__ = ["Proposal", "Source", "add_arguments", "propose", "run", "survey"]
