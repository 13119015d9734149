"""What the colours of charts and overlays mean."""

from __future__ import annotations

import html
from collections.abc import Sequence

from seglosses.report.axes import COLOURS
from seglosses.report.overlay import MISSING, RIGHT, SPURIOUS


def _stripes(colour: tuple[int, int, int]) -> str:
    return (
        f"background:repeating-linear-gradient(135deg,rgb{colour} 0 2px,transparent 2px 5px);"
        f"border-color:rgb{colour}"
    )


_ERRORS = (
    ("", f"background:rgb{RIGHT}", "right"),
    ("", f"background:rgb{MISSING}", "missing pixels"),
    ("", f"background:rgb{SPURIOUS}", "spurious pixels"),
    ("ring round", f"border-color:rgb{MISSING}", "small missing component"),
    ("ring round", f"border-color:rgb{SPURIOUS}", "small spurious component"),
    ("", _stripes(MISSING), "missing hole"),
    ("", _stripes(SPURIOUS), "spurious hole"),
)


def series_legend(names: Sequence[str]) -> str:
    """The colours of the series of a chart, in their order.

    Args:
        names: Of the series.

    Returns:
        HTML.

    Example:
        >>> series_legend(["ce"]).count("swatch")
        1
    """
    return _legend(
        [("", f"background:{COLOURS[i % len(COLOURS)]}", name) for i, name in enumerate(names)]
    )


def error_legend() -> str:
    """The colours and marks of :func:`seglosses.report.overlay.error_overlay`.

    Returns:
        HTML.

    Example:
        >>> error_legend().count("swatch")
        7
    """
    return _legend(_ERRORS)


def _legend(entries: Sequence[tuple[str, str, str]]) -> str:
    items = "".join(
        f'<span><span class="swatch {kind}" style="{style}"></span>{html.escape(text)}</span>'
        for kind, style, text in entries
    )
    return f'<div class="legend">{items}</div>'
