"""The site builds without a warning, its links lead somewhere, and it can be read and searched."""

from __future__ import annotations

import html
import inspect
import json
import os
import pkgutil
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from typing_extensions import is_typeddict

from seglosses import losses, metrics, topology
from seglosses.catalogue import entries
from seglosses.losses.base import BoxLoss, PixelLoss, RotatedBoxLoss, SegmentationLoss
from seglosses.losses.classwise import MapLoss, OverlapLoss

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import build_site  # noqa: E402
from site_pages import reference, staging  # noqa: E402
from site_pages.told import typed_fields  # noqa: E402

pytestmark = pytest.mark.xdist_group("site")
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    pytest.importorskip("mkdocstrings")
    out = tmp_path_factory.mktemp("site")
    build = [sys.executable, "tools/build_site.py", "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(build, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "WARNING" not in done.stdout + done.stderr
    return out


class Page(HTMLParser):
    """What a page links to, and the places in it that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.text = ""
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_data(self, data) -> None:
        self.text += data

    def handle_starttag(self, tag, attrs) -> None:
        found = dict(attrs)
        if tag in ("a", "img", "script", "link"):
            self.links += [found[key] for key in ("href", "src") if found.get(key)]
        self.places.update(found[key] for key in ("id", "name") if found.get(key))


@slow
def test_every_link_leads_somewhere(site) -> None:
    pages = {path: Page(path) for path in site.rglob("*.html")}
    lost = []
    for path, page in pages.items():
        for link in page.links:
            if re.match(r"\w+:|//", link) or path.name == "404.html":
                continue
            file, place = urldefrag(unquote(link).split("?")[0])
            target = (path.parent / file).resolve() if file else path
            known = pages.get(target)
            if not target.exists() or (place and known and place not in known.places):
                lost.append(f"{path.relative_to(site)}: {link}")
    assert not lost


@slow
def test_every_loss_has_a_page_with_its_picture(site) -> None:
    for entry in entries():
        text = (site / "gallery" / f"{entry.name}.html").read_text(encoding="utf-8")
        assert f'src="{entry.name}.png"' in text, entry.name
        assert (site / "gallery" / f"{entry.name}.png").stat().st_size > 1000
        assert "Examples:" in text, entry.name
        assert not re.search(r":(func|class|data):", text), entry.name


def test_the_reference_shows_bases_at_their_homes() -> None:
    modules = reference.PAGES["losses"][1]
    shown = {path for module in modules for path in reference.exported(module)}
    for cls in (SegmentationLoss, PixelLoss, OverlapLoss, MapLoss, BoxLoss, RotatedBoxLoss):
        assert f"{cls.__module__}.{cls.__qualname__}" in shown


@slow
def test_every_exported_name_is_shown(site) -> None:
    pages = [*(site / "gallery").glob("*.html"), *(site / "reference").glob("*.html")]
    shown = {place for page in pages for place in Page(page).places}
    for module in (losses, metrics, topology):
        for name in losses.EXPORTS if module is losses else module.__all__:
            member = getattr(module, name)
            if inspect.isclass(member) or inspect.isfunction(member):
                assert f"{member.__module__}.{member.__qualname__}" in shown, name


def sections(site: Path) -> dict[str, str]:
    """The words about each object of the reference, by its path."""
    found = {}
    for path in (site / "reference").glob("*.html"):
        for part in path.read_text("utf-8").split('<h2 id="')[1:]:
            found[part.partition('"')[0]] = html.unescape(re.sub(r"<[^>]+>", "", part))
    return found


def records() -> dict[str, dict[str, str]]:
    """Fields, with types, of all named tuples, dictionaries and dataclasses of the reference."""
    modules = (module for _, modules in reference.PAGES.values() for module in modules)
    paths = {path for module in modules for path in reference.exported(module)}
    homes = {path: pkgutil.resolve_name(path) for path in sorted(paths)}
    found = {path: typed_fields(home) for path, home in homes.items() if inspect.isclass(home)}
    return {path: fields for path, fields in found.items() if fields}


def test_records_say_what_their_fields_are() -> None:
    found = records()
    assert len(found) > 30
    for path, fields in found.items():
        home = pkgutil.resolve_name(path)
        if not is_typeddict(home):  # whose keys are options that a class describes
            said = re.findall(r"^    (\w+)(?: \(.*?\))?: ", inspect.getdoc(home), re.MULTILINE)
            assert {name for name in fields if not name.startswith("_")} <= set(said), path


@slow
def test_records_show_their_fields_and_members(site) -> None:
    shown = sections(site)
    for path, fields in records().items():
        for name in fields:
            if not name.startswith("_"):
                assert re.search(rf"\b{name}\b", shown[path]), f"{path}.{name}"
        if issubclass(pkgutil.resolve_name(path), (tuple, dict)):
            text = " ".join(shown[path].split())
            assert all(kind in text for kind in fields.values()), path
    assert "Surplus of probability in each bin" in shown["seglosses.metrics.calibration.Bins"]
    assert "Markdown" in shown["seglosses.evaluate.result.Evaluation"]
    assert "ignore_index: Wins over" not in shown["seglosses.losses.segmentation.SegmentationLoss"]
    assert "Wins over the constructor's" in shown["seglosses.losses.segmentation.SegmentationLoss"]


@slow
def test_options_have_one_default_and_a_type_that_says_something(site) -> None:
    for path in [*(site / "reference").glob("*.html"), *(site / "gallery").glob("*.html")]:
        lost = re.findall(r'title="typing\.(?:Literal|Union)"', path.read_text("utf-8"))
        assert not lost, f"{path.name}: a type without what it is of"
    text = Page(site / "gallery" / "DiceLoss.html").text
    assert "loss_name (default 'loss_dice') –" in " ".join(text.split())


MARKS = r"```.*|\|---.*|^::: .*|\]\(.*|#{2,6} [A-Z].*|<!--.*"


@slow
def test_no_mark_of_a_page_is_left_as_text(site) -> None:
    left = []
    for path in site.rglob("*.html"):
        article = path.read_text("utf-8").partition("<article")[2].partition("</article>")[0]
        article = re.sub(r"<(pre|code|script)\b.*?</\1>", "", article, flags=re.DOTALL)
        text = html.unescape(re.sub(r"<[^>]+>", " ", article))
        left += [(path.name, found) for found in re.findall(MARKS, text)]
        left += [(path.name, found) for found in re.findall(r"<em>S\).*", article)]
    assert left == []


@slow
def test_nothing_is_fetched_from_elsewhere(site) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r'<(?:script|img|link rel="stylesheet")[^>]*(?:src|href)="http', text)


SCREENS = {"phone": 390, "desktop": 1280}
TOUR = (ROOT / "tests" / "site_tour.html").read_text(encoding="utf-8")


class Told(SimpleHTTPRequestHandler):
    """Serves a folder, and keeps what a page posts."""

    def do_POST(self) -> None:
        self.server.told.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, queue.Queue[bytes]]]:
    """The address of a folder while it is served, and what its pages have posted."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Told, directory=str(folder))) as server:
        server.told = queue.Queue()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", server.told
        server.shutdown()


@slow
@pytest.mark.parametrize("screen", SCREENS)
def test_every_page_fits_the_screen(site, screen, browser, tmp_path) -> None:
    pages = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    alike = [page for page in pages if page.startswith("gallery/")]
    pages = sorted({*pages} - {*alike, "404.html"} | {"gallery/index.html", *alike[::10]})
    tour = site / "tour.html"
    words = TOUR.replace("WIDTH", str(SCREENS[screen])).replace("PAGES", json.dumps(pages))
    tour.write_text(words, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,900"]
    flags += [f"--user-data-dir={tmp_path}", "--remote-debugging-port=0"]
    # It posts what it found: how long a page dumps its DOM after that is the browser's affair.
    with served(site) as (address, told):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        tourist = subprocess.Popen([browser, *flags, f"{address}/tour.html"], **quiet)
        try:
            found = json.loads(told.get(timeout=600))
        finally:
            tourist.terminate()
            tourist.wait(timeout=60)
    tour.unlink()
    assert list(found) == pages
    wide = [page for page, (width, *_) in found.items() if width > SCREENS[screen]]
    broken = [page for page, (_, pictures, *_) in found.items() if pictures]
    empty = [page for page, (_, _, words, *_) in found.items() if words < 30]
    lists = [page for page, (_, _, _, lists, _, _) in found.items() if lists]
    assert (wide, broken, empty, lists) == ([], [], [], [])
    if screen == "desktop":
        assert not [page for page, (*_, cut, _) in found.items() if cut]
    assert not {page: faint for page, (*_, faint) in found.items() if faint}


@slow
def test_search_finds_a_loss(site, opened) -> None:
    with served(site) as (address, _):
        place = f"{address}/index.html?q=SoftClDiceLoss"
        dom = opened(place, "--virtual-time-budget=20000").stdout
    assert "gallery/SoftClDiceLoss.html" in dom[dom.index("md-search-result__list") :]


def test_every_page_is_in_the_menu() -> None:
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    listed = build_site.listed_pages()
    assert pages | set(staging.OUTSIDE.values()) == set(listed), "MENU is in tools/build_site.py"
    assert len(listed) == len(set(listed))


def test_a_link_to_nothing_is_an_error(tmp_path) -> None:
    for name in ("docs", "data"):
        (tmp_path / name).mkdir()
    for name in staging.OUTSIDE:
        (tmp_path / name).write_text("[page](docs/page.md)" if name == "README.md" else "text")
    (tmp_path / "docs" / "page.md").write_text("[source](../setup.py) [more](../CHANGELOG.md#a)")
    (tmp_path / "setup.py").touch()
    staging.stage(tmp_path, tmp_path / "out", "https://host/me/it")
    assert (tmp_path / "out" / "index.md").read_text() == "[page](page.md)"
    assert (
        tmp_path / "out" / "page.md"
    ).read_text() == "[source](https://host/me/it/blob/main/setup.py) [more](changelog.md#a)"
    row = r"| `a \|\| b` | `DiceLoss`, [`DiceLoss`](page.md) | x \| y | `HerLoss` |"
    (tmp_path / "docs" / "page.md").write_text(f"`DiceLoss`\n\n{row}\n")
    staging.stage(tmp_path, tmp_path / "out", "", ["DiceLoss"])
    assert (tmp_path / "out" / "page.md").read_text() == (
        "`DiceLoss`\n\n| `a || b` | [`DiceLoss`](gallery/DiceLoss.md), [`DiceLoss`](page.md)"
        " | x \\| y | `HerLoss` |\n"
    )
    (tmp_path / "docs" / "page.md").write_text("[gone](gone.md)")
    with pytest.raises(ValueError, match=r"docs/page.md links to gone.md, which does not exist"):
        staging.stage(tmp_path, tmp_path / "out", "")
