"""Where the pages that messages name can be read."""

from __future__ import annotations

from functools import cache
from importlib import metadata
from pathlib import Path


def page(path: str) -> str:
    """A page of the project, for a message to name it.

    Args:
        path: Of the page in a clone.

    Returns:
        The same in a clone, and its address elsewhere, for an installed package has no pages.

    Example:
        >>> page("docs/evidence.md").endswith("docs/evidence.md")
        True
    """
    if (Path(__file__).parents[1] / path).is_file():
        return path
    return f"{_repository()}{path}"


@cache
def _repository() -> str:
    """What stands before the path of a file in its address; nothing where none is stated."""
    try:
        stated = metadata.metadata("seglosses").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return ""
    addresses = dict(line.split(", ", 1) for line in stated)
    return f"{addresses['Source']}/blob/main/" if "Source" in addresses else ""
