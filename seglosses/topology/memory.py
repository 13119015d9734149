"""Memory that this process can still take, and an error before it runs out."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

# Where the system's files are.
SYSTEM = Path("/")
# Below that many voxels nobody asks whether there is memory.
ALWAYS_FITS = 2**21
# Files of control groups: those of version 2 and of version 1, and the line of the statistics that
# counts pages which the kernel takes back when memory is short.
GROUPS = {
    2: ("memory.max", "memory.current", "inactive_file"),
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def free_memory() -> int | None:
    """Bytes that this process can still take.

    The least of what the machine has left, what control groups leave (containers, jobs of a
    cluster), and what the limit of the address space leaves (``ulimit -v``).

    Returns:
        The bytes, None where the system says nothing of it.
    """
    return min([*_of_machine(), *_of_groups(), *_of_address_space()], default=None)


def fitting(shape: tuple[int, ...], costs: tuple[int, ...], remedy: str) -> int:
    """The most expensive way to treat a volume that memory allows.

    Args:
        shape: Of the volume, for the message too.
        costs: Bytes a voxel of each way, the cheapest one first.
        remedy: What to do where there is not enough for any.

    Returns:
        The number of the way.

    Raises:
        MemoryError: Where there is not enough for the cheapest one.
    """
    voxels = math.prod(shape)
    if voxels < ALWAYS_FITS or (free := free_memory()) is None:
        return len(costs) - 1
    if costs[0] * voxels > free:
        raise MemoryError(
            f"expected {costs[0] * voxels / 1e9:.1f} GB of free memory for a volume of "
            f"{' x '.join(map(str, shape))} voxels, got {free / 1e9:.1f} GB; {remedy}"
        )
    return sum(cost * voxels <= free for cost in costs) - 1


def side_by_side(shape: tuple[int, ...], cost: int, wanted: int) -> int:
    """How many volumes may be treated at a time.

    Args:
        shape: Of the largest.
        cost: Bytes a voxel.
        wanted: At most so many.

    Returns:
        Their number, at least 1.
    """
    voxels = math.prod(shape)
    if wanted * voxels < ALWAYS_FITS or (free := free_memory()) is None:
        return wanted
    return max(1, min(wanted, free // (cost * voxels)))


def _of_machine() -> Iterator[int]:
    lines = _table(SYSTEM / "proc/meminfo")
    if "MemAvailable" in lines:
        yield lines["MemAvailable"] * 1024


def _of_groups() -> Iterator[int]:
    for line in _text(SYSTEM / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        mount = SYSTEM / "sys/fs/cgroup"
        if "memory" in controllers.split(","):
            yield from _of_group(mount / "memory", path, GROUPS[1])
        elif number == "0":
            yield from _of_group(mount, path, GROUPS[2])
            yield from _of_group(mount / "unified", path, GROUPS[2])


def _of_group(mount: Path, path: str, names: tuple[str, str, str]) -> Iterator[int]:
    """What a group and those around it leave; in a container the outermost one is the mount."""
    limit, used, spare = names
    folder = mount / path.strip("/")
    for group in (folder, *folder.parents):
        if not group.is_relative_to(mount):
            break
        most, now = (_text(group / name).strip() for name in (limit, used))
        if most.isdigit() and now.isdigit():
            yield max(0, int(most) - int(now) + _table(group / "memory.stat").get(spare, 0))


def _of_address_space() -> Iterator[int]:
    if sys.platform != "win32":
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        lines = _table(SYSTEM / "proc/self/status")
        if most != resource.RLIM_INFINITY and "VmSize" in lines:
            yield max(0, most - lines["VmSize"] * 1024)


def _table(path: Path) -> dict[str, int]:
    """Names and numbers of a file that has a name, a number and perhaps a unit in each line."""
    found = {}
    for line in _text(path).splitlines():
        name, *rest = line.replace(":", " ").split()
        if rest and rest[0].isdigit():
            found[name] = int(rest[0])
    return found


def _text(path: Path) -> str:
    """What is in a file, nothing where it cannot be read."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
