r"""Pieces of LaTeX tables."""

from __future__ import annotations

from collections.abc import Sequence

ARROWS = {True: "\\uparrow", False: "\\downarrow"}
"""Which direction is better, in mathematics."""
_SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "↑": r"$\uparrow$", "↓": r"$\downarrow$",
    "β": r"$\beta$", "δ": r"$\delta$", "±": r"$\pm$", "–": "--", "−": r"$-$",
    **{character: "\\" + character for character in "&%$#_{}"},
}  # fmt: skip


def tex(text: str) -> str:
    r"""Text with the characters that LaTeX reads as commands escaped.

    Args:
        text: Any.

    Returns:
        Source.

    Example:
        >>> tex("ce_dice & 5 %")
        'ce\\_dice \\& 5 \\%'
    """
    return "".join(_SPECIAL.get(character, character) for character in text)


def tex_line(cells: Sequence[str]) -> str:
    r"""A row of a table.

    Args:
        cells: Source of each.

    Returns:
        Source.

    Example:
        >>> tex_line(["a", "b"])
        'a & b \\\\'
        >>> tex_line(["[left]", "b"])  # no option of the command that ends the row before
        '{}[left] & b \\\\'
    """
    line = " & ".join(cells) + r" \\"
    return "{}" + line if line.startswith(("[", "*")) else line
