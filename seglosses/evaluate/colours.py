"""Labels drawn as colours: the table that says which colour is which class."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seglosses.evaluate.codes import IGNORED, unpacked
from seglosses.evaluate.formats.label_file import LabelFile


@dataclass(frozen=True)
class ColourTable:
    """Which colour is which class.

    Args:
        classes: Packed colour to class index or :data:`seglosses.evaluate.codes.IGNORED`.
        names: Names of the classes, None when the table has indices.
    """

    classes: dict[int, int]
    names: tuple[str, ...] | None


def pack(colours: NDArray[Any]) -> NDArray[np.int64]:
    """One number per colour.

    Args:
        colours: (..., 3), of 8 or 16 bits.

    Returns:
        (...).

    Example:
        >>> unpacked(int(pack(np.array([128, 64, 7]))))
        '(128 64 7)'
    """
    red, green, blue = np.moveaxis(colours.astype(np.int64), -1, 0)
    return np.asarray((red << 32) | (green << 16) | blue)


def colours_of(file: LabelFile) -> NDArray[np.int64] | None:
    """Packed colours of a picture in colour or with a palette.

    Args:
        file: What was read.

    Returns:
        (H, W); None for a file without colours.

    Raises:
        ValueError: When a picture holds numbers that its palette has no colour for.
    """
    if file.palette is not None and len(file.palette):
        if file.values.max(initial=0) >= len(file.palette):
            raise ValueError(
                f"{file.path}: holds {file.values.max()}, and its palette has {len(file.palette)} "
                "colours only; save it again, or read indices, without a table of colours"
            )
        return np.asarray(pack(file.palette)[file.values])
    return pack(file.values) if file.in_colour else None


def read_colours(path: Path, names: Sequence[str] | None = None) -> ColourTable:
    r"""Read a table of colours.

    A line per colour: name or index, red, green, blue, separated by commas, semicolons, tabs or
    blanks; the name may also come last. `ignore` as a name is for pixels that do not count. A
    heading, empty lines and those that begin with # are left out.

    Args:
        path: Text file.
        names: Names of all classes; None to number the names of the table as they come.

    Returns:
        The table.

    Raises:
        ValueError: When a line cannot be read, a colour has two classes, or a name is unknown.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "colours.csv"
        ...     _ = file.write_text("name,r,g,b\nroad,128,64,128\ncar,0,0,142\nignore,0,0,0")
        ...     table = read_colours(file)
        >>> table.names, sorted(table.classes.values())
        (('road', 'car'), [-1, 0, 1])
    """
    rows = _rows(path)
    known = list(names or [])
    indexed = all(name == "ignore" or re.fullmatch(r"\d+", name) for name, _ in rows)
    if not indexed and not known:
        known = list(dict.fromkeys(name for name, _ in rows if name != "ignore"))
    classes: dict[int, int] = {}
    for name, colour in rows:
        if name == "ignore":
            index = IGNORED
        elif name in known:
            index = known.index(name)
        elif indexed:
            index = int(name)
        else:
            raise ValueError(f"{path}: no class is called {name!r}: {', '.join(known)}")
        code = int(pack(np.array(colour)))
        if classes.setdefault(code, index) != index:
            raise ValueError(f"{path}: the colour {unpacked(code)} has two classes")
    return ColourTable(classes, None if indexed and not names else tuple(known))


def _rows(path: Path) -> list[tuple[str, tuple[int, ...]]]:
    rows = []
    lines = path.read_text("utf-8-sig").splitlines()
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        words = [word.strip() for word in re.split(r"[,;\t]+", text) if word.strip()]
        if len(words) != 4:
            words = text.replace(",", " ").split()
        # The name is what remains beside three numbers at one end.
        for name, numbers in ((words[:-3], words[-3:]), (words[3:], words[:3])):
            if name and len(numbers) == 3 and all(re.fullmatch(r"\d{1,5}", n) for n in numbers):
                rows.append((" ".join(name), tuple(map(int, numbers))))
                break
        else:
            if rows or re.search(r"\d", text):
                raise ValueError(
                    f"{path}, line {number}: cannot read {text!r}: expected name or index, red, "
                    "green, blue"
                )
    if not rows:
        raise ValueError(f"{path}: holds no colour: expected lines of name or index, R, G, B")
    return rows
