"""Where the configs lie: in the installed package, or beside it in a clone."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def config_folder() -> Path:
    """The folder that the project keeps as ``configs``.

    Raises:
        ValueError: The package was copied without it.

    Example:
        >>> (config_folder() / "losses" / "ce_dice.py").is_file()
        True
    """
    # site-packages may hold somebody else's top-level configs, so the package's own come first
    for folder in (PACKAGE / "configs", PACKAGE.parent / "configs"):
        if (folder / "losses" / "ce_dice.py").is_file():
            return folder
    raise ValueError(
        f"seglosses in {PACKAGE} has no configs, so it was copied and not installed: pip install"
        " its wheel, or pip install -e . in a clone"
    )


def find_config(path: str | Path) -> Path:
    """A config by its path, or one of ours by its path below the project or below ``configs``.

    Args:
        path: Such as ``my/unet.py``, ``configs/bricks/unet_128.py`` or ``bricks/unet_128.py``.

    Returns:
        The file.

    Raises:
        ValueError: There is none, with the names of ours.

    Example:
        >>> find_config("bricks/unet_128.py").parts[-3:]
        ('configs', 'bricks', 'unet_128.py')
    """
    given = Path(path)
    if given.is_file():
        return given
    ours = config_folder()
    below = Path(*given.parts[1:]) if given.parts[:1] == ("configs",) else given
    if not given.is_absolute() and (ours / below).is_file():
        return ours / below
    leaves = sorted(
        file.relative_to(ours).as_posix()
        for file in ours.glob("*/*.py")
        if file.parent.name not in ("_base_", "losses")
    )
    raise ValueError(f"there is no config {path}, and none of ours: {', '.join(leaves)}")


def mixin_names() -> list[str]:
    """Names of the mix-ins for heads: files of ``configs/losses`` without its sub-folders.

    Example:
        >>> "ce_dice" in mixin_names()
        True
    """
    return sorted(path.stem for path in (config_folder() / "losses").glob("*.py"))
