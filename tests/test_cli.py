"""The command line: rows are loaded lazily, statuses and errors are handed on."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import types

import pytest

from seglosses import __version__, cli


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two made-up sub-commands; the module of the second one cannot be imported."""
    module = types.ModuleType("made_up_command")

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("number", type=int)

    def run(args: argparse.Namespace) -> int:
        if args.number < 0:
            raise ValueError(f"expected a number >= 0, got {args.number}")
        return int(args.number)

    module.add_arguments = add_arguments
    module.run = run
    monkeypatch.setitem(sys.modules, "made_up_command", module)
    monkeypatch.setattr(
        cli,
        "COMMANDS",
        {"count": ("made_up_command", "count"), "gone": ("no_such_module_here", "never loaded")},
    )


@pytest.mark.parametrize(("command", "said"), [("to-coco", "as COCO objects."),
    ("train", "Train a config of OpenMMLab with a loss of your choice.")])  # fmt: skip
def test_help_keeps_the_capitals_of_names(
    command: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    assert said in capsys.readouterr().out


@pytest.mark.usefixtures("rows")
def test_returns_the_status_of_the_command() -> None:
    assert cli.main(["count", "0"]) == 0
    assert cli.main(["count", "1"]) == 1


@pytest.mark.usefixtures("rows")
def test_value_error_is_one_line_and_status_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["count", "--", "-3"]) == 2
    assert capsys.readouterr().err == "seglosses count: expected a number >= 0, got -3\n"


@pytest.mark.usefixtures("rows")
def test_errors_and_usage_name_what_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["count", "--", "-3"], typed="count.py") == 2
    assert capsys.readouterr().err == "count.py: expected a number >= 0, got -3\n"
    with pytest.raises(SystemExit):
        cli.main(["count", "--help"], typed="count.py")
    assert capsys.readouterr().out.startswith("usage: count.py [-h] number\n")
    with pytest.raises(SystemExit):
        cli.main(["count", "--help"])
    assert capsys.readouterr().out.startswith("usage: seglosses count [-h] number\n")


@pytest.mark.usefixtures("rows")
def test_only_the_named_module_is_imported() -> None:
    assert cli.main(["count", "0"]) == 0  # "gone" would raise if its module were imported
    with pytest.raises(ModuleNotFoundError):
        cli.main(["gone"])


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(("words", "status"), [(["--help"], 0), ([], 2), (["unknown"], 2)])
def test_argparse_exits(words: list[str], status: int) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == status


def test_python_dash_m_prints_the_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seglosses", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"seglosses {__version__}\n"


def test_a_reader_that_leaves_is_no_error() -> None:
    listing = [sys.executable, "-u", "-m", "seglosses", "list"]
    with subprocess.Popen(listing, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_terminal_that_lacks_a_character_shows_another(encoding: str) -> None:
    """A minus stays a minus: without its sign a difference would be another number."""
    code = (
        "import sys, types; from seglosses import cli; made = types.ModuleType('made');"
        "made.add_arguments = lambda _: None;"
        "made.run = lambda _: print('Dice \u2191 \u22120.5 \u2605 \u4e2d \u2026') or 0;"
        "sys.modules['made'] = made; cli.COMMANDS['made'] = ('made', 'said');"
        "sys.exit(cli.main(['made']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )
    said = done.stdout.decode(encoding).strip()
    assert (
        said
        == {
            "ascii": "Dice ^ -0.5 * ? ...",
            "cp1252": "Dice ^ -0.5 * ? \u2026",
            "utf-8": "Dice \u2191 \u22120.5 \u2605 \u4e2d \u2026",
        }[encoding]
    )


def test_ctrl_c_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = types.ModuleType("made_up_command")

    def run(args: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    module.add_arguments = lambda parser: None
    module.run = run
    monkeypatch.setitem(sys.modules, "made_up_command", module)
    monkeypatch.setattr(cli, "COMMANDS", {"wait": ("made_up_command", "wait")})
    assert cli.main(["wait"]) == 130
    assert capsys.readouterr().err == "seglosses wait: interrupted\n"


@pytest.mark.parametrize(("command", "status"), [("list", 2), ("doctor", 1)])
def test_a_machine_without_torch_is_sent_to_doctor(command, status):
    script = f"import sys; sys.modules['torch'] = None; sys.argv[1:] = ['{command}']"
    script += "; from seglosses.cli import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    if command == "list":
        assert done.stderr.strip() == (
            "seglosses list: torch does not load (import of torch halted; None in sys.modules):"
            " `seglosses doctor` says what is missing"
        )
