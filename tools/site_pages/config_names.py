"""A page of what a config can name beside losses: told from the source, for hosts may be absent."""

from __future__ import annotations

import ast
import re
import textwrap

import griffe

from seglosses.catalogue.listing import Item
from site_pages.told import as_markdown


def page(items: list[Item]) -> str:
    """The page, an entry per name with its options."""
    lines = ["# Names in configs", "", "What a config of OpenMMLab can name beside losses,"]
    lines += ["each with the prefix `seglosses.`.", ""]
    for item in items:
        call, _, doc = item.detail.partition("\n\n")
        takes = _options(call.partition("  # ")[2])
        lines += [
            f"## {item.name.removeprefix('seglosses.')}",
            "",
            f"*{item.kind}*",
            "",
            "```python",
        ]
        given = [f'type="{item.name}"', *(f"{name}={default}" for name, _, default in takes)]
        whole = f"dict({', '.join(given)})"
        lines += [textwrap.fill(whole, 80, subsequent_indent="    ", break_long_words=False)]
        lines += ["```", "", markdown(doc, {name: kind for name, kind, _ in takes}), ""]
    return "\n".join(lines)


def _options(takes: str) -> list[tuple[str, str, str]]:
    """Name, type and default (... where there is none) of each option, as they are written."""
    (maker,) = ast.parse(f"def make({takes}): ...").body
    assert isinstance(maker, ast.FunctionDef)
    args = [*maker.args.args, *maker.args.kwonlyargs]
    missing = len(maker.args.args) - len(maker.args.defaults)
    defaults = [*[None] * missing, *maker.args.defaults, *maker.args.kw_defaults]
    return [
        (arg.arg, ast.unparse(arg.annotation) if arg.annotation else "", _text(default))
        for arg, default in zip(args, defaults, strict=True)
    ]


def _text(default: ast.expr | None) -> str:
    return "..." if default is None else ast.unparse(default)


def markdown(doc: str, types: dict[str, str]) -> str:
    r"""A docstring for readers of a page.

    Args:
        doc: Its text.
        types: Of the arguments, by name.

    Example:
        >>> print(markdown("Draw.\n\nArgs:\n    samples: How many.\n", {"samples": "int"}))
        Draw.
        <BLANKLINE>
        **Parameters:**
        <BLANKLINE>
        - **`samples`** (`int`) – How many.
    """
    parts = []
    text = griffe.Docstring(as_markdown(doc))
    for section in griffe.parse_google(text, warnings=False, returns_multiple_items=False):
        if isinstance(section, griffe.DocstringSectionText):
            parts.append(re.sub(r"::$", ":", section.value, flags=re.MULTILINE))
        elif isinstance(section, griffe.DocstringSectionParameters):
            listed = [(f"**`{each.name}`**", types.get(each.name), each) for each in section.value]
            parts.append(_listed("Parameters", listed))
        elif isinstance(section, griffe.DocstringSectionRaises):
            parts.append(_listed("Raises", [(f"`{e.annotation}`", None, e) for e in section.value]))
        elif isinstance(section, griffe.DocstringSectionReturns):
            parts.append(f"**Returns:** {' '.join(e.description for e in section.value)}")
        elif isinstance(section, griffe.DocstringSectionExamples):
            code = "\n".join(text for _, text in section.value)
            parts.append(f"**Example:**\n\n```pycon\n{code}\n```")
        elif isinstance(section, griffe.DocstringSectionAdmonition):
            parts.append(f"**{section.title}:** {section.value.contents}")
        else:
            raise ValueError(f"no words for a section of {section.kind} in: {doc[:60]}")
    return "\n\n".join(parts)


def _listed(title: str, items: list[tuple[str, str | None, griffe.DocstringElement]]) -> str:
    lines = [
        f"- {name}{f' (`{kind}`)' if kind else ''} – {' '.join(item.description.split())}"
        for name, kind, item in items
    ]
    return "\n".join([f"**{title}:**", "", *lines])
