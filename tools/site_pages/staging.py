"""Copies the pages that people write to where the site is built, and mends their links."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from pathlib import Path, PurePosixPath

LINK = re.compile(r"(\]\(|src=\")(?!\w+:|#)([^)#\"\s]*)")
ROW = re.compile(r"^\|.*\|$", re.MULTILINE)
#: Code, and whether it is the text of a link.
CODE = re.compile(r"(\[?)`[^`]*`")
#: Pages outside of docs/, and their names on the site.
OUTSIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "data/README.md": "data.md",
}


def stage(root: Path, folder: Path, repository: str, losses: Collection[str] = ()) -> list[Path]:
    """Copy all pages and pictures.

    Args:
        root: Of the checkout.
        folder: Where the pages of the site are collected.
        repository: Address of the project; links to its files that are no pages lead there. Where
            it is empty they become plain text.
        losses: Names that have a page in the gallery; where one is a word of a table, it links
            there.

    Returns:
        The pages, relative to the folder.

    Raises:
        ValueError: for a link to a file that does not exist.
    """
    shutil.copytree(root / "docs", folder, dirs_exist_ok=True)
    for source, name in OUTSIDE.items():
        shutil.copy(root / source, folder / name)
    homes = {name: source for source, name in OUTSIDE.items()}
    pages = sorted(path.relative_to(folder) for path in folder.rglob("*.md"))
    for page in pages:
        home = PurePosixPath(homes.get(page.as_posix(), f"docs/{page.as_posix()}"))
        text = (folder / page).read_text(encoding="utf-8")
        text = _mended(text, home, page, root, repository)
        gallery = f"{'../' * (len(page.parts) - 1)}gallery"
        text = re.sub(ROW, lambda row, to=gallery: _cells(row[0], losses, to), text)
        (folder / page).write_text(text, encoding="utf-8")
    return pages


def _mended(text: str, home: PurePosixPath, page: Path, root: Path, repository: str) -> str:
    def target(path: str) -> str | None:
        """Where a link of the page leads on the site, None where it leaves the site."""
        file = (root / home.parent / path).resolve()
        if not file.exists():
            raise ValueError(f"{home} links to {path}, which does not exist")
        inside = file.relative_to(root.resolve()).as_posix()
        name = OUTSIDE.get(inside)
        if name is None and inside.startswith("docs/"):
            name = inside.removeprefix("docs/")
        if name is None or not Path(name).suffix:
            return None
        up = "../" * (len(page.parts) - 1)
        return f"{up}{name}"

    def mend(found: re.Match[str]) -> str:
        path = found[2]
        place = target(path)
        if place is not None:
            return f"{found[1]}{place}"
        inside = (root / home.parent / path).resolve().relative_to(root.resolve()).as_posix()
        return f"{found[1]}{repository}/blob/main/{inside}" if repository else f"{found[1]}#"

    # notes for tests: MkDocs reads no code after a second word, and no title after a comment
    text = re.sub(r"^```(\w+) stand-in$", r"```\1", text, flags=re.MULTILINE)
    text = re.sub(r"\A<!-- needs: .*? -->\n", "", text)
    return re.sub(LINK, mend, text)


def _cells(row: str, losses: Collection[str], gallery: str) -> str:
    """A table's row with links to losses, and without escapes of pipes in code.

    GitHub needs the escapes; MkDocs shows them.
    """

    def code(found: re.Match[str]) -> str:
        text = found[0].replace(r"\|", "|")
        name = text.strip("`").removeprefix("seglosses.")
        return f"[{text}]({gallery}/{name}.md)" if name in losses and not found[1] else text

    return re.sub(CODE, code, row)
