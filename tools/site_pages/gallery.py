"""The gallery: a page per loss with formula, use, picture, options, example and source."""

from __future__ import annotations

import textwrap
import warnings
from pathlib import Path

from seglosses import losses
from seglosses.catalogue import Entry, entries, loss_classes
from seglosses.catalogue.listing import called, function_beside, mixins
from seglosses.losses.loss import Loss
from site_pages.pictures import draw

FAMILIES = {
    "overlap": "Overlap",
    "pixel": "Pixels",
    "boundary": "Boundaries",
    "line": "Centre lines",
    "topology": "Topology",
    "weak": "Weak labels",
    "guided": "Guided by a teacher, features or attributions",
    "box": "Boxes and their scores",
}


def write(folder: Path, *, pictures: bool = True) -> list[tuple[str, list[str]]]:
    """Write all pages of the gallery.

    Args:
        folder: Where they go.
        pictures: Whether the pictures are drawn, which takes most of the time.

    Returns:
        Families by title, with the names of their losses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    by_family: dict[str, list[Entry]] = {family: [] for family in FAMILIES}
    used = mixins()
    for entry in entries():
        member = loss_classes()[entry.name]
        by_family[member.__module__.split(".")[2]].append(entry)
        picture = _picture(member, folder) if pictures else []
        named = [item.name for item in used if f'"seglosses.{entry.name}"' in item.detail]
        (folder / f"{entry.name}.md").write_text(_page(entry, member, picture, named))
    (folder / "index.md").write_text(_index(by_family, pictures))
    return [(FAMILIES[family], [e.name for e in found]) for family, found in by_family.items()]


def _picture(member: type[Loss], folder: Path) -> list[str]:
    name = member.__name__
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said = draw(member(), folder / f"{name}.png")
    return [f"![Where {name} puts its gradient]({name}.png)", "", f"*{said}*", ""]


def _page(entry: Entry, member: type[Loss], picture: list[str], named: list[str]) -> str:
    lines = [f"# {entry.name}", "", "```text", entry.formula, "```", ""]
    lines += [f"**Use it when:** {entry.use_when}.", "", f"**Source:** {entry.paper}.", ""]
    if member.needs:
        lines += [f"**Extra inputs:** {', '.join(member.needs)}.", ""]
    words = ", ".join(f"`{tag}`" for tag in entry.tags)
    lines += [f"**Found by** `seglosses list` with {words}.", ""]
    lines += picture
    signature = textwrap.fill(called(member), 80, subsequent_indent="    ", break_long_words=False)
    lines += ["```python", f'dict(type="seglosses.{entry.name}")', signature, "```", ""]
    if named:
        lines += [f"Mix-ins in `configs/losses/`: {', '.join(f'`{n}`' for n in named)}.", ""]
    lines += [f"::: {member.__module__}.{entry.name}", ""]
    if beside := function_beside(entry.name):
        lines += [f"::: {getattr(losses, beside).__module__}.{beside}", ""]
    return "\n".join(lines)


def _index(by_family: dict[str, list[Entry]], pictures: bool) -> str:
    lines = [
        "# Gallery",
        "",
        "What each loss is, and where it puts its gradient: on the same wall with a break, a",
        "bridge, an island and a hole for losses of segmentation (red pixels rise, blue ones",
        "fall, on a logarithmic scale of two decades), on four wrong boxes for losses of boxes.",
        "Every loss has its defaults. [Gradients](../gradients.md) has the shares in one table.",
        "",
    ]
    for family, found in by_family.items():
        lines += [f"## {FAMILIES[family]}", "", '<div class="gallery" markdown>', ""]
        for entry in found:
            shown = f"![]({entry.name}.png) " if pictures else ""
            lines += [f"- {shown}[{entry.name}]({entry.name}.md): {entry.use_when}"]
        lines += ["", "</div>", ""]
    return "\n".join(lines)
