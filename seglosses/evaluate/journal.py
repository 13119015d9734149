"""What an unfinished run has scored so far, on disk, so that the next run goes on from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from seglosses.evaluate.files import PairFiles

Rows = Sequence[Mapping[str, float]]
NAME = "unfinished.jsonl"


class Journal:
    """Scores of finished images, one line an image, deleted when the run is complete.

    A line counts only when the settings are those of this run and neither file has changed since
    (size and time of change), so scores of old predictions never pass for new ones.

    Args:
        folder: Output folder.
        settings: Everything that changes a number, as plain values.
    """

    def __init__(self, folder: Path, settings: Mapping[str, object]) -> None:
        self.path = folder / NAME
        text = json.dumps(settings, sort_keys=True, default=str)
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()
        self._file: IO[str] | None = None

    def __enter__(self) -> Journal:
        if not self._matches():
            self.path.write_text(json.dumps({"settings": self.fingerprint}) + "\n", "utf-8")
        self._drop_broken_end()
        self._file = self.path.open("a", encoding="utf-8")
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

    def _matches(self) -> bool:
        if not self.path.exists():
            return False
        with self.path.open(encoding="utf-8", errors="replace") as file:
            return file.readline().strip() == json.dumps({"settings": self.fingerprint})

    def _drop_broken_end(self) -> None:
        """Cut off the line that an interruption left half written."""
        with self.path.open("r+b") as file:
            size = end = file.seek(0, 2)
            while end:
                start = max(0, end - 2**16)
                file.seek(start)
                newline = file.read(end - start).rfind(b"\n")
                if newline >= 0:
                    end = start + newline + 1
                    break
                end = start
            if end < size:
                file.truncate(end)

    def add(self, files: PairFiles, rows: Rows) -> None:
        """Record an image; it is on disk when this returns.

        Args:
            files: Where the image was read from.
            rows: Its scores, one row a class.
        """
        assert self._file is not None
        line = {"image": files.name, "stamp": stamp(files), "rows": rows}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def finished(self, pairs: Sequence[PairFiles]) -> Iterator[tuple[str, Rows]]:
        """Images of an earlier run whose files are unchanged, with their rows.

        Args:
            pairs: The images of this run.

        Yields:
            Name and rows of each image that need not be scored again.
        """
        known = {files.name: files for files in pairs}
        seen: set[str] = set()
        with self.path.open(encoding="utf-8") as file:
            next(file)
            for text in file:
                line = json.loads(text)
                files = known.get(line["image"])
                if files is None or files.name in seen or stamp(files) != line["stamp"]:
                    continue
                seen.add(files.name)
                yield files.name, line["rows"]

    def delete(self) -> None:
        """Forget the run, because its results are written."""
        self.path.unlink(missing_ok=True)


def stamp(files: PairFiles) -> list[int]:
    """Size and time of change of the files, which tell whether they are still the same.

    Args:
        files: The files of an image.

    Returns:
        Numbers that differ when a file does.
    """
    stats = [path.stat() for path in files.paths]
    return [number for stat in stats for number in (stat.st_size, stat.st_mtime_ns)]
