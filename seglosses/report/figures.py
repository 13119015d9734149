"""Figures as files for papers: SVG, PDF or PNG, each with a caption."""

from __future__ import annotations

import html
import itertools
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from seglosses.report.latex import tex
from seglosses.report.overlay import data_url
from seglosses.report.pdf import CLASSES, TEXT, pdf, without_glyph

FORMATS = ("svg", "pdf")


@dataclass(frozen=True)
class Figure:
    """A figure of a report.

    Attributes:
        name: Of the file, without ending.
        svg: The drawing; what charts and :func:`panels` give.
        caption: What it shows; plain text.
        numbers: n, p and what else was computed, for the end of the caption.
    """

    name: str
    svg: str
    caption: str
    numbers: str = ""

    @property
    def whole(self) -> str:
        """Caption and numbers."""
        return f"{self.caption} {self.numbers}".strip()


def read_formats(text: str) -> tuple[str, ...]:
    """Formats separated by commas.

    Args:
        text: Of the command line.

    Returns:
        Some of :data:`FORMATS`.

    Raises:
        ValueError: For any other.

    Example:
        >>> read_formats("pdf,svg")
        ('pdf', 'svg')
    """
    words = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if not words or set(words) - set(FORMATS):
        raise ValueError(f"expected formats of {', '.join(FORMATS)}, got {text!r}")
    return words


def standalone(svg: str) -> str:
    """A chart as a file of its own: name space, size and the look on paper.

    Args:
        svg: One SVG element with a viewBox.

    Returns:
        A document.

    Example:
        >>> "xmlns=" in standalone('<svg viewBox="0 0 2 1"></svg>')
        True
    """
    head, _, body = svg.partition(">")
    wide, high = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', head)[0]
    rules = [
        f".{name}{{{';'.join(f'{key}:{value}' for key, value in look.items())}}}"
        for name, look in CLASSES.items()
    ]
    # inherited, so that a text may have a size of its own
    rules.append(f"svg{{font:{TEXT['font-size']}px Helvetica,Arial,sans-serif}}")
    rules.append(f"text{{fill:{TEXT['fill']}}}")
    return (
        f'{head} xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}">'
        f"<style>{''.join(rules)}</style>{body}"
    )


def panels(pictures: Sequence[tuple[str, Image.Image]], *, label: str, width: int = 260) -> str:
    """Pictures side by side, each with its name above.

    Args:
        pictures: Name and RGB picture of each.
        label: Description for screen readers.
        width: Of a picture, in units of the drawing.

    Returns:
        An SVG element.

    Example:
        >>> panels([("a", Image.new("RGB", (2, 1)))], label="").count("<image")
        1
    """
    gap, top = 10, 20
    parts, deepest = [], 0.0
    for place, (name, picture) in enumerate(pictures):
        left = gap + place * (width + gap)
        height = width * picture.height / picture.width
        deepest = max(deepest, height)
        parts.append(
            f'<text class="ink" x="{left + width / 2:.1f}" y="14" text-anchor="middle" '
            f'font-size="12">{html.escape(name)}</text><image x="{left}" y="{top}" width="{width}" '
            f'height="{height:.1f}" href="{_source(picture)}"/>'
        )
    wide = gap + len(pictures) * (width + gap)
    return (
        f'<svg class="chart" viewBox="0 0 {wide} {top + deepest + gap:.0f}" role="img" '
        f'aria-label="{html.escape(label)}">{"".join(parts)}</svg>'
    )


def _source(picture: Image.Image) -> str:
    """As a photograph where that is smaller."""
    flat, photo = data_url(picture, photo=False), data_url(picture, photo=True)
    return flat if len(flat) < 1.5 * len(photo) else photo


def write_figures(folder: Path, figures: Sequence[Figure], formats: Sequence[str]) -> list[Path]:
    r"""Write each figure in each format, captions.md, and figures.tex that includes them.

    Args:
        folder: Made when missing.
        figures: What to write; charts that have nothing to draw are left out.
        formats: Some of :data:`FORMATS`.

    Returns:
        The files.

    Example:
        >>> import tempfile
        >>> one = Figure("dice", '<svg viewBox="0 0 2 1"></svg>', "Dice of 3 images")
        >>> with tempfile.TemporaryDirectory() as top:
        ...     [path.name for path in write_figures(Path(top), [one], ["svg", "pdf"])]
        ['dice.svg', 'dice.pdf', 'captions.md', 'figures.tex']
    """
    folder.mkdir(parents=True, exist_ok=True)
    files, captions, sources = [], ["# Figures", ""], []
    taken: set[str] = set()
    for figure in figures:
        if not figure.svg.startswith("<svg"):
            continue
        name = _free(figure.name, taken)
        for kind in formats:
            path = folder / f"{name}.{kind}"
            path.write_bytes(pdf(figure.svg) if kind == "pdf" else standalone(figure.svg).encode())
            files.append(path)
        captions.append(f"- `{name}`: {figure.whole}")
        sources += [
            "\\begin{figure}",
            "\\centering",
            f"\\includegraphics[width=\\linewidth]{{{name}}}",
            f"\\caption{{{tex(figure.whole)}}}",
            f"\\label{{fig:{name}}}",
            "\\end{figure}",
            "",
        ]
    if "pdf" in formats and (unknown := without_glyph([figure.svg for figure in figures])):
        logging.getLogger("seglosses").warning(
            "the letters of PDF files lack %s, which are question marks there; --figures svg has"
            " them",
            unknown,
        )
    for name, lines in (("captions.md", captions), ("figures.tex", sources)):
        path = folder / name
        path.write_text("\n".join(lines) + "\n", "utf-8")
        files.append(path)
    return files


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number where another figure has it; taken from then on."""
    name = name or "figure"
    numbered = (f"{name}-{number}" for number in itertools.count(2))
    free = next(one for one in itertools.chain([name], numbered) if one not in taken)
    taken.add(free)
    return free


def file_name(*words: str) -> str:
    """A name for a file, of words that may hold anything.

    Args:
        words: Texts.

    Returns:
        Letters and digits of any script, and hyphens.

    Example:
        >>> file_name("CE + Dice", "hd95"), file_name("拓扑")
        ('ce-dice-hd95', '拓扑')
    """
    return "-".join(filter(None, (re.sub(r"[\W_]+", "-", w.lower()).strip("-") for w in words)))
