"""What a command needs to be installed, said before it writes anything."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass


@dataclass(frozen=True)
class Host:
    """A framework.

    Args:
        title: Its name.
        modules: What must be importable, the one that imports most of the others last.
        extra: The extra of seglosses that installs it.
    """

    title: str
    modules: tuple[str, ...]
    extra: str


MMSEG = Host("MMSegmentation", ("mmengine", "mmcv", "mmseg"), "onedl-seg")
MMENGINE = Host("MMEngine", ("mmengine", "mmcv"), "onedl-seg")
NNUNET = Host("nnU-Net", ("nnunetv2",), "nnunet")


def need(host: Host, who: str) -> None:
    """Check that a framework is there and can be imported.

    Args:
        host: The framework.
        who: Who needs it, as the subject of a sentence.

    Raises:
        ValueError: It is not, with the command that installs it.

    Example:
        >>> need(Host("Nothing", ("no_such_module",), "nothing"), "this")
        Traceback (most recent call last):
        ...
        ValueError: this needs Nothing, and no_such_module is not installed: \
pip install "seglosses[nothing]"
    """
    absent = [name for name in host.modules if importlib.util.find_spec(name) is None]
    if absent:
        verb = "is" if len(absent) == 1 else "are"
        raise ValueError(
            f"{who} needs {host.title}, and {' and '.join(absent)} {verb} not installed:"
            f' pip install "seglosses[{host.extra}]"'
        )
    try:
        importlib.import_module(host.modules[-1])
    except Exception as error:  # versions that do not fit raise whatever they like
        raise ValueError(
            f"{who} needs {host.title}, and {host.modules[-1]} cannot be imported"
            f" ({type(error).__name__}: {error}); `seglosses doctor` says which versions do not"
            " fit together"
        ) from error
