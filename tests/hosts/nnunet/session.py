"""Lines of a shell that train nnU-Net, run in one process: a minute of imports becomes one.

python session.py FILE
"""

from __future__ import annotations

import multiprocessing
import os
import re
import shlex
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

# nnU-Net spawns its helpers, and each would import everything anew
FORK = multiprocessing.get_context("fork")
multiprocessing.get_context = lambda method=None: FORK


def expand(text):
    """``$NAME`` and ``$(seglosses nnunet-path)``."""
    from seglosses.hosts.nnunet.path import TRAINERS

    return os.path.expandvars(text.replace("$(seglosses nnunet-path)", str(TRAINERS)))


def run(line):
    words = shlex.split(expand(line), comments=True)
    if not words:
        return
    if words[0] in ("export", "unset"):
        for word in words[1:]:
            name, _, value = word.partition("=")
            os.environ.pop(name, None)
            if words[0] == "export":
                os.environ[name] = value
        return
    started = time.monotonic()
    sys.argv = words
    print(f"== {line}", flush=True)
    if words[0] == "seglosses":  # which need not be installed here, only found
        from seglosses.cli import main
    else:
        (point,) = entry_points(group="console_scripts", name=words[0])
        main = point.load()
    status = main()
    print(f"== {words[0]}: {time.monotonic() - started:.0f} s", flush=True)
    if status:
        sys.exit(status)


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        run(line)
