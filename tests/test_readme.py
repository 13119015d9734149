"""What README.md and docs/ tell people to type exists, and their Python runs."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path

import pytest

from seglosses.cli import COMMANDS, build_parser

ROOT = Path(__file__).parents[1]
PAGES = [path for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md",
                           *sorted((ROOT / "docs").rglob("*.md"))) if path.is_file()]  # fmt: skip
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Programs that are not ours, and shell words.
FOREIGN = {
    "git",
    "cd",
    "sed",
    "pip",
    "python3",
    "export",
    "source",
    ".",
    "mim",
    "sbatch",
    "xargs",
    "nnUNetv2_plan_and_preprocess",
    "nnUNetv2_predict",
    "nnUNetv2_train",
    "ls",
    "open",
    "cp",
    "cat",
    "ruff",
    "mypy",
}


def commands(text):
    """Every command line of the shell blocks, as words."""
    for kind, block in FENCE.findall(text):
        if kind in ("bash", "sh", "console", "shell"):
            for line in block.replace("\\\n", "").splitlines():
                words = shlex.split(line.strip().removeprefix("$ "), comments=True)
                while words and re.fullmatch(r"[A-Z_0-9]+=.*", words[0]):
                    words = words[1:]
                if words:
                    yield words


def check(words):
    """Fail when a program, file, sub-command or option does not exist."""
    program, rest = words[0], words[1:]
    if program == "torchrun":
        rest = rest[next(i for i, word in enumerate(rest) if word.endswith(".py")) :]
    elif program == "seglosses":
        rest = ["-m", "seglosses", *rest]
    elif program == "bash":
        assert (ROOT / rest[0]).is_file(), f"{rest[0]} does not exist"
        if rest[0] == "tools/quickstart.sh":
            rest = ["-m", "seglosses", "demo", *rest[1:]]
        else:
            return
    elif program not in ("python", "python3.11"):
        assert program in FOREIGN, f"unknown program {program}: name it in FOREIGN"
        return
    if rest[:2] == ["-m", "seglosses"]:
        assert rest[2] in COMMANDS or rest[2].startswith("-"), f"no sub-command {rest[2]}"
        if not {"-h", "--help", "--version"} & set(rest):
            build_parser(rest[2]).parse_args(rest[2:])
    elif rest and rest[0].endswith(".py"):
        assert (ROOT / rest[0]).is_file(), f"{rest[0]} does not exist"
        if rest[0] == "tools/speed.py":
            for option, group in itertools.pairwise(rest):
                if option == "--group":
                    assert (ROOT / "tools" / "speed_groups" / f"{group}.py").is_file(), group
        if rest[0] in ("tools/train.py", "tools/test.py"):
            assert (ROOT / rest[1]).is_file() or rest[1].isupper(), f"no config {rest[1]}"
            name = Path(rest[0]).stem
            build_parser(name).parse_args([name, *rest[1:]])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page, capsys):
    for words in commands(page.read_text(encoding="utf-8")):
        try:
            check(words)
        except SystemExit as error:
            pytest.fail(f"{page.name}: {shlex.join(words)}: {capsys.readouterr().err or error}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_says_what_it_is(page):
    """A block without a language is looked at by no test; neither is a command among text."""
    text = page.read_text(encoding="utf-8")
    marks = re.findall(r"^```(.*)$", text, re.MULTILINE)
    assert len(marks) % 2 == 0
    assert not set(marks[1::2]) - {""}, "a block within a block"
    kinds = {mark.split()[0] if mark else "none" for mark in marks[::2]}
    assert kinds <= {"python", "py", "bash", "yaml", "text"}
    for block in re.findall(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        assert not re.search(r"^(?:seglosses|python|bash|pip) ", block, re.MULTILINE), block


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    if page.name == "tutorial.md":
        pytest.skip("its commands make what its code reads: tests/test_tutorial.py runs them all")
    if page.read_text(encoding="utf-8").startswith("<!-- needs: "):
        pytest.skip("tests/hosts/test_recipes.py runs pages that need a framework")
    monkeypatch.chdir(tmp_path)
    run_python(page)


def run_python(page):
    """Execute all Python of a page, in the folder where we are."""
    names = {}
    for kind, block in FENCE.findall(page.read_text(encoding="utf-8")):
        if kind == "python":
            exec(compile(block, f"{page.name}: {block[:40]}", "exec"), names)


def test_pages_of_scores_can_be_tried_in_one_folder_and_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pages = [ROOT / "docs" / name for name in ("compare.md", "evaluation.md")]
    for page in [*pages, *reversed(pages)]:
        run_python(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_linked_files_exist(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'src="([^"]+)"', text):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize(
    "line",
    [
        "bash tools/nosuch.sh",
        "seglosses nosuch",
        "seglosses list --nosuch",
        "python tools/train.py configs/bricks/nosuch.py",
        "python tools/speed.py --group nosuch",
        "frobnicate",
    ],
)
def test_the_check_finds_what_does_not_exist(line):
    (words,) = commands(f"```bash\n$ {line}  # comment\n```\n")
    with pytest.raises((AssertionError, SystemExit)):
        check(words)


def test_continued_lines_are_one_command():
    (words,) = commands("```bash\nA=1 seglosses \\\n  list dice\n```\n")
    assert words == ["seglosses", "list", "dice"]


def test_the_table_of_losses_is_that_of_the_package():
    from seglosses.catalogue import as_markdown, entries

    text = (ROOT / "docs" / "losses.md").read_text(encoding="utf-8")
    assert as_markdown(entries()) in text, "paste `seglosses list --format markdown` into losses.md"


README = (ROOT / "README.md").read_text(encoding="utf-8")


def rows(heading):
    """The cells of the first table below a heading of the README."""
    table = re.search(r"(?:^\|.*\n)+", README.partition(f"## {heading}\n")[2], re.MULTILINE)[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]


def test_the_readme_is_as_short_as_it_promises_to_be():
    """A screen and a half: what belongs to one page of the documentation is linked, not said."""
    python = [block for kind, block in FENCE.findall(README) if kind == "python"]
    assert [len(block.splitlines()) for block in python] == [10, 6]
    assert len(rows("Which loss?")) == 10
    assert len(README.splitlines()) <= 90


def test_the_losses_that_the_readme_begins_with_serve_their_purpose():
    from seglosses.catalogue import matching

    for purpose, names, words in rows("Which loss?"):
        searches = re.findall(r"`(\w+)`", words)
        found = {entry.name for word in searches for entry in matching([word])}
        assert searches, purpose
        assert set(re.findall(r"`(\w+)`", names)) <= found, purpose


def test_the_numbers_of_the_readme_are_those_of_the_page_with_all_of_them():
    page = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    for what, _, ratios, group in rows("Numbers"):
        assert (ROOT / "tools" / "speed_groups" / f"{group.strip('`')}.py").is_file(), group
        numbers = re.findall(r"[\d.]+x", ratios)
        assert numbers, what
        assert any(all(each in line for each in numbers) for line in page.splitlines()), what
