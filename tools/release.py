"""Prepare a release, and check one before it is published.

    python tools/release.py prepare 0.2.0   # the version in every place, the changelog's section
    python tools/release.py check v0.2.0    # exit status 1 where anything does not fit the tag
    python tools/release.py notes 0.2.0     # that section, for the page of the release

`docs/versions.md` says which number comes next.
"""

from __future__ import annotations

import argparse
import datetime
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
UNRELEASED = "## [Unreleased]"
VERSION = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")


def sections(text: str) -> dict[str, str]:
    r"""The sections of a changelog by their heading, what stands before them under ''.

    Example:
        >>> sections("# Log\n\n## [Unreleased]\n- a\n")
        {'': '# Log\n\n', '## [Unreleased]': '- a\n'}
    """
    parts = re.split(r"^(## .*)\n", text, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def by_kind(section: str) -> str:
    r"""One heading for each kind of change, in the order of Keep a Changelog.

    What has no heading is new.

    Example:
        >>> print(by_kind("- a\n### Fixed\n- b\n### Added\n- c\n"))
        ### Added
        - a
        - c
        <BLANKLINE>
        ### Fixed
        - b
        <BLANKLINE>

    Raises:
        ValueError: For another kind.
    """
    parts = re.split(r"^### (.*)\n", f"### Added\n{section}", flags=re.MULTILINE)[1:]
    found: dict[str, list[str]] = {}
    for kind, text in zip(parts[::2], parts[1::2], strict=True):
        if kind not in KINDS:
            raise ValueError(f"CHANGELOG.md has a heading {kind}, expected {', '.join(KINDS)}")
        lines = [line for line in text.splitlines() if line.strip()]
        found.setdefault(kind, []).extend(lines)
    order = [kind for kind in KINDS if found.get(kind)]
    return "".join(f"### {kind}\n" + "\n".join(found[kind]) + "\n\n" for kind in order)


def prepare(version: str, date: str, root: Path = ROOT) -> None:
    """Write a version where it stands, and give its changes a section.

    Args:
        version: Such as 0.2.0 or 0.2.0rc1.
        date: Of the release, as 2026-01-31.
        root: The project.

    Raises:
        ValueError: For no version, one that is there already, or no change.
    """
    if not VERSION.fullmatch(version):
        raise ValueError(f"expected a version such as 0.2.0 or 0.2.0rc1, got {version}")
    path = root / "CHANGELOG.md"
    found = sections(path.read_text(encoding="utf-8"))
    if any(heading.startswith(f"## [{version}]") for heading in found):
        raise ValueError(f"CHANGELOG.md has a section {version} already")
    changes = by_kind(found[UNRELEASED])
    if not changes:
        raise ValueError("CHANGELOG.md names no change that is not released")
    lines = [found.pop(""), f"{UNRELEASED}\n\n", f"## [{version}] - {date}\n\n{changes}"]
    del found[UNRELEASED]
    lines += [f"{heading}\n{text}" for heading, text in found.items()]
    path.write_text("".join(lines).rstrip() + "\n", encoding="utf-8")
    _replace(root / "seglosses/__init__.py", r'^__version__ = ".*"', f'__version__ = "{version}"')
    _replace(root / "CITATION.cff", r"^version: .*", f"version: {version}")
    _replace(root / "tools/conda/recipe.yaml", r'^  version: ".*"', f'  version: "{version}"')
    cite = root / "CITATION.cff"
    text = re.sub(r"^date-released: .*\n", "", cite.read_text(encoding="utf-8"), flags=re.MULTILINE)
    cite.write_text(text.rstrip() + f"\ndate-released: {date}\n", encoding="utf-8")


def _replace(path: Path, pattern: str, words: str) -> None:
    text, count = re.subn(pattern, words, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"expected one line {pattern} in {path}, found {count}")
    path.write_text(text, encoding="utf-8")


def check(tag: str, root: Path = ROOT) -> list[str]:
    """What keeps a tag from being published.

    Args:
        tag: Such as v0.2.0.
        root: The project.

    Returns:
        A line for each thing, none when all fits.
    """
    version = tag.removeprefix("v")
    wrong = []
    if not tag.startswith("v") or not VERSION.fullmatch(version):
        wrong.append(f"the tag {tag} is no v followed by a version such as 0.2.0")
    places = {
        "seglosses/__init__.py": r'^__version__ = "(.*)"',
        "CITATION.cff": r"^version: (.*)",
        "tools/conda/recipe.yaml": r'^  version: "(.*)"',
    }
    for name, pattern in places.items():
        match = re.search(pattern, (root / name).read_text(encoding="utf-8"), re.MULTILINE)
        stated = match[1] if match else "none"
        if stated != version:
            wrong.append(f"{name} states version {stated}, the tag {version}")
    if not notes(version, root):
        wrong.append(f"CHANGELOG.md has no section [{version}] with changes")
    if sections((root / "CHANGELOG.md").read_text(encoding="utf-8"))[UNRELEASED].strip():
        wrong.append("CHANGELOG.md names changes that are not released: prepare again")
    for name in ("pyproject.toml", "CITATION.cff", "SECURITY.md", "tools/conda/recipe.yaml"):
        if "OWNER" in (root / name).read_text(encoding="utf-8"):
            wrong.append(f"{name} has OWNER where the project's public home belongs")
    return wrong


def notes(version: str, root: Path = ROOT) -> str:
    """The changelog's section of a version, empty where there is none."""
    found = sections((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    texts = (text for heading, text in found.items() if heading.startswith(f"## [{version}] - "))
    return next(texts, "").strip()


def main(argv: list[str] | None = None) -> int:
    """Do one of the three."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    tasks = parser.add_subparsers(dest="task", required=True)
    preparing = tasks.add_parser("prepare", help="write the version and the changelog's section")
    preparing.add_argument("version")
    preparing.add_argument("--date", default=datetime.date.today().isoformat())
    tasks.add_parser("check", help="whether all fits the tag").add_argument("tag")
    tasks.add_parser("notes", help="print the changelog's section").add_argument("version")
    args = parser.parse_args(argv)
    if args.task == "prepare":
        prepare(args.version, args.date)
        return 0
    if args.task == "notes":
        print(notes(args.version))
        return 0
    wrong = check(args.tag)
    for line in wrong:
        print(f"release.py: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ValueError as error:
        sys.exit(f"release.py: {error}")
