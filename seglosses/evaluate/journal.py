"""The journal: scores of an unfinished run on disk, so that the next run can resume."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from seglosses import __version__
from seglosses.evaluate.listing import PairFiles

Rows = Sequence[Mapping[str, float]]
NAME = "unfinished.jsonl"
BLOCK = 2**16
"""Bytes that are digested at the beginning, in the middle and at the end of a file."""


class Journal:
    """Scores of finished images, one line per image, deleted when the run is complete.

    A line counts only when the settings are those of this run, the files are the same (absolute
    paths) and none has changed since (size, time of change, digest of some blocks), so scores of
    other predictions never pass for these. The file is locked while a run writes it.

    Args:
        folder: Output folder.
        settings: Everything that changes a number, as plain values.
        names: Numbers that a row must hold.
        rows: Number of rows of an image.

    Raises:
        ValueError: On entering, when another run writes into the folder.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, object], names: Sequence[str], rows: int
    ) -> None:
        self.path = folder / NAME
        text = json.dumps([__version__, settings], sort_keys=True, default=str)
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()
        self.names, self.rows = tuple(names), rows
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Journal:
        self._file = self._locked()
        head = self._file.readline()
        if not self._fits(head):
            self._file.truncate(0)
            self._write({"settings": self.fingerprint})
        self._drop_broken_end()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _locked(self) -> IO[bytes]:
        """The file for this process alone, until it is closed or the process ends."""
        while True:
            file = self.path.open("a+b")
            try:
                lock(file)
            except BlockingIOError:
                file.close()
                raise ValueError(
                    f"another run writes into {self.path.parent}; wait for it, or choose another "
                    "out (--out)"
                ) from None
            # Between opening and locking, a run that ended may have deleted the file.
            try:
                same = os.path.samestat(os.fstat(file.fileno()), self.path.stat())
            except FileNotFoundError:
                same = False
            if same:
                file.seek(0)
                return file
            file.close()

    def _fits(self, head: bytes) -> bool:
        """Whether the file is of these settings; a damaged head leaves that to its lines."""
        try:
            known = json.loads(head)["settings"]
        except (ValueError, TypeError, KeyError):
            return bool(head)
        return bool(known == self.fingerprint)

    def _drop_broken_end(self) -> None:
        """Cut off the line that an interruption left half written."""
        assert self._file is not None
        size = end = self._file.seek(0, 2)
        while end:
            start = max(0, end - BLOCK)
            self._file.seek(start)
            newline = self._file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            self._file.truncate(end)

    def _write(self, line: Mapping[str, object]) -> None:
        assert self._file is not None
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()

    def add(self, files: PairFiles, rows: Rows) -> None:
        """Record an image; it is on disk when this returns.

        Args:
            files: Where the image was read from.
            rows: Its scores, one row per class.
        """
        run, stamps = self.fingerprint[:16], stamp(files)
        if stamps is not None:
            self._write({"run": run, "image": files.name, "stamp": stamps, "rows": rows})

    def finished(self, pairs: Sequence[PairFiles]) -> Iterator[tuple[str, Rows]]:
        """Images of an earlier run whose files are unchanged, with their rows.

        Lines that cannot be read are skipped; a warning of the logger `seglosses` counts them.

        Args:
            pairs: The images of this run.

        Yields:
            Name and rows of each image that need not be scored again.
        """
        known = {files.name: files for files in pairs}
        seen: set[str] = set()
        damaged = 0
        with self.path.open("rb") as file:
            for number, text in enumerate(file):
                line = self._parsed(text)
                if line is None:
                    # The first line is the head, and whole when it is one of this run.
                    damaged += number > 0 or not text.startswith(b'{"settings": "')
                    continue
                files = known.get(line["image"])
                ours = line["run"] == self.fingerprint[:16]
                if files is None or not ours or files.name in seen:
                    continue
                if stamp(files) == line["stamp"]:
                    seen.add(files.name)
                    yield files.name, line["rows"]
        if damaged:
            logging.getLogger("seglosses").warning(
                "%d lines of %s cannot be read and are skipped; their images are scored again",
                damaged,
                self.path,
            )

    def _parsed(self, text: bytes) -> dict[str, Any] | None:
        """A whole line of scores, None for anything else."""
        try:
            line = json.loads(text)
            numbers = [row[name] for row in line["rows"] for name in self.names]
            whole = len(line["rows"]) == self.rows and all(map(_is_number, numbers))
            return line if whole and {"run", "image", "stamp"} <= set(line) else None
        except (ValueError, TypeError, KeyError):
            return None

    def delete(self) -> None:
        """Forget the run, because its results are written."""
        self.path.unlink(missing_ok=True)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def stamp(files: PairFiles) -> list[str | int] | None:
    """What tells whether files are still the same.

    Args:
        files: The files of an image.

    Returns:
        Absolute path, size, time of change and digest of some blocks of each file; None when one
        of them is gone.
    """
    found: list[str | int] = []
    for path in files.paths:
        try:
            state = path.stat()
            digest = _digest(path, state)
        except OSError:
            return None
        found += [os.path.abspath(path), state.st_size, state.st_mtime_ns, digest]
    return found


def _digest(path: Path, state: os.stat_result) -> str:
    digest = hashlib.blake2b(digest_size=8)
    with path.open("rb") as file:
        for start in sorted({0, max(0, state.st_size // 2), max(0, state.st_size - BLOCK)}):
            file.seek(start)
            digest.update(file.read(BLOCK))
    return digest.hexdigest()


def lock(file: IO[bytes]) -> None:
    """Lock a file for this process, without waiting.

    Args:
        file: An open file.

    Raises:
        BlockingIOError: When another process holds it.
    """
    if sys.platform == "win32":
        import msvcrt

        file.seek(2**30)  # beyond the lines, which others may read
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(str(error)) from error
    else:
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            # Some network file systems have no locks; then nothing tells of another run.
            logging.getLogger("seglosses").warning("%s cannot be locked", file.name)
