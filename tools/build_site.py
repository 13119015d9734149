"""Build the documentation site.

    pip install -e .[docs]
    python tools/build_site.py --out work_dirs/site

The pages of ``docs/`` are copied, a gallery of all losses and a reference are made, and MkDocs
builds the whole; nothing is fetched, and any warning is an error. ``work_dirs/site/index.html``
opens in a browser as it is; to search, serve it: ``python -m http.server -d work_dirs/site``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from site_pages import gallery, reference, staging

from seglosses.catalogue import loss_classes

ROOT = Path(__file__).parents[1]
PARTS = ROOT / "tools" / "site_pages"

#: The menu: title, and a page or a list of pages. A page that is in no list fails the build.
MENU: list[tuple[str, Any]] = [
    ("Start", [{"Overview": "index.md"}, "start.md", "tutorial.md", "first_trial.md"]),
    (
        "Choose a loss",
        [
            "advise.md",
            "losses.md",
            "coming_from.md",
            "gradients.md",
            "topomortar.md",
            "means.md",
            "left_out.md",
        ],
    ),
    (
        "Frameworks",
        [
            "hosts/mmsegmentation.md",
            "hosts/mmdetection.md",
            "hosts/mmrotate.md",
            "hosts/plain.md",
            "hosts/lightning.md",
            "hosts/monai.md",
            "hosts/nnunet.md",
            "hosts/huggingface.md",
            "hosts/smp.md",
            "hosts/boxes.md",
            "hosts/detectron2.md",
        ],
    ),
    ("Train", ["heads.md", "balance.md", "detection.md", "extra_inputs.md", "gpu.md"]),
    ("Evaluate", ["evaluation.md", "compare.md", "data.md"]),
    ("Topology", ["betti_matching.md", "betti_matching_volumes.md"]),
    ("Benchmark", ["benchmark.md", "evidence.md", "leaderboard.md"]),
    ("Numbers", ["numbers.md", "speed.md", "audit.md"]),
    (
        "Project",
        [
            "architecture.md",
            "style.md",
            "contributing.md",
            "versions.md",
            "security.md",
            "changelog.md",
        ],
    ),
]


def main() -> int:
    """Collect the pages, and build."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("work_dirs/site"))
    parser.add_argument("--no-pictures", action="store_true", help="leave the gallery without")
    parser.add_argument(
        "--repository", default="", help="address of the project, for links to its files"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = collect(Path(folder), args)
        build = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-f", str(config)]
        quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(build, check=False, env=quiet).returncode


def listed_pages() -> list[str]:
    """All pages of the menu, in its order."""
    entries = [entry for _, inside in MENU for entry in inside]
    return [
        page
        for entry in entries
        for page in (entry.values() if isinstance(entry, dict) else [entry])
    ]


def collect(folder: Path, args: argparse.Namespace) -> Path:
    """Write all pages and the configuration of MkDocs.

    Returns:
        The configuration's file.
    """
    pages = folder / "docs"
    written = staging.stage(ROOT, pages, args.repository, loss_classes())
    shutil.copy(PARTS / "site.css", pages / "site.css")
    families = gallery.write(pages / "gallery", pictures=not args.no_pictures)
    shown = "".join(path.read_text() for path in (pages / "gallery").glob("*.md"))
    listed = reference.write(pages / "reference", shown)
    menu = [{title: inside} for title, inside in MENU]
    in_menu = set(listed_pages())
    if lost := sorted({page.as_posix() for page in written} - in_menu):
        raise ValueError(f"in no menu of tools/build_site.py: {', '.join(lost)}")
    losses: list[Any] = ["gallery/index.md"]
    losses += [{title: [f"gallery/{name}.md" for name in names]} for title, names in families]
    menu.insert(2, {"Gallery": losses})
    menu.insert(-1, {"Reference": [{title: f"reference/{name}"} for title, name in listed]})
    config = folder / "mkdocs.yml"
    settings = {
        "INHERIT": str(PARTS / "mkdocs.yml"),
        "docs_dir": str(pages),
        "site_dir": str(args.out.resolve()),
        "nav": menu,
        "hooks": [str(PARTS / "cells.py")],
    }
    config.write_text(json.dumps(settings))  # JSON is YAML
    return config


if __name__ == "__main__":
    raise SystemExit(main())
