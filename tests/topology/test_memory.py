"""Memory that is free, as the machine, control groups and limits of the process tell it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from seglosses.topology import (
    betti_matching,
    betti_matching_batch,
    matching_error,
    memory,
    pairings,
    persistence,
    volumes,
)

MB = 2**20


def system(folder, files) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


MACHINE = {"proc/meminfo": "MemTotal: 9000 kB\nMemAvailable: 8192 kB\n"}
SECOND = {
    **MACHINE,
    "proc/self/cgroup": "0::/slurm/job_3\n",
    "sys/fs/cgroup/slurm/job_3/memory.max": "max\n",
    "sys/fs/cgroup/slurm/job_3/memory.current": f"{3 * MB}\n",
    # the group around it is what is limited
    "sys/fs/cgroup/slurm/memory.max": f"{6 * MB}\n",
    "sys/fs/cgroup/slurm/memory.current": f"{5 * MB}\n",
    "sys/fs/cgroup/slurm/memory.stat": f"anon 7\ninactive_file {MB // 2}\n",
}
FIRST = {
    **MACHINE,
    "proc/self/cgroup": "5:cpu,cpuacct:/docker/ab\n4:memory:/docker/ab\n",
    # a container sees its own group at the mount, whatever the path says
    "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{4 * MB}\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{3 * MB}\n",
    "sys/fs/cgroup/memory/memory.stat": f"inactive_file 1\ntotal_inactive_file {MB}\n",
}


@pytest.mark.parametrize(
    ("files", "free"),
    [(MACHINE, 8 * MB), (SECOND, 3 * MB // 2), (FIRST, 2 * MB), ({}, None)],
    ids=["machine", "second", "first", "silent"],
)
def test_the_tightest_limit_counts(tmp_path, monkeypatch, files, free) -> None:
    system(tmp_path, files)
    monkeypatch.setattr(memory, "SYSTEM", tmp_path)
    assert memory.free_memory() == free


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A machine on which 60 voxels beside a label cost 60 kB, and twice that in two threads."""

    def of(kilobytes):
        system(tmp_path, {"proc/meminfo": f"MemAvailable: {kilobytes} kB\n"})

    monkeypatch.setattr(memory, "SYSTEM", tmp_path)
    monkeypatch.setattr(memory, "ALWAYS_FITS", 8)
    monkeypatch.setattr(volumes, "ALWAYS_FITS", 8)
    monkeypatch.setattr(volumes, "BESIDE_LABEL", (1024, 2048))
    monkeypatch.setattr(volumes, "OF_VOLUMES", (1536, 3072))
    monkeypatch.setattr("seglosses.topology.matching.OF_VOLUMES", (1024, 3072))
    # the function of that name hides the module
    monkeypatch.setattr(sys.modules["seglosses.topology.persistence"], "BYTES_A_VOXEL", 1024)
    monkeypatch.setattr("seglosses.topology.errors.BYTES_A_VOXEL", 1024)
    return of


VOLUME = np.random.default_rng(0).random((3, 4, 5))


def test_a_volume_beyond_the_memory_is_refused_with_a_remedy(small) -> None:
    small(59)
    refused = pytest.raises(MemoryError, match=r"expected 0\.0 GB.*3 x 4 x 5 voxels.*window")
    for threads in (1, 2):
        with refused:
            betti_matching(VOLUME, VOLUME > 0.5, threads=threads)
    with refused:
        persistence(VOLUME)
    with refused:
        matching_error(VOLUME > 0.5, VOLUME > 0.2)
    small(61)
    betti_matching(VOLUME, VOLUME > 0.5)
    persistence(VOLUME)
    matching_error(VOLUME > 0.5, VOLUME > 0.2)
    with refused:  # two soft volumes need more
        betti_matching(VOLUME, VOLUME[::-1])


def test_threads_give_way_to_memory(small) -> None:
    for kilobytes, wanted, threads in ((60, 2, 1), (119, 8, 1), (120, 1, 1), (120, 8, 2)):
        small(kilobytes)
        assert volumes.threads_that_fit(VOLUME, VOLUME > 0.5, wanted) == threads


def test_a_batch_matches_no_more_volumes_at_a_time_than_fit(small, monkeypatch) -> None:
    seen = []

    class Pool:
        def __init__(self, workers):
            seen.append(workers)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def map(self, function, items):
            return map(function, items)

    monkeypatch.setattr("seglosses.topology.matching.ThreadPoolExecutor", Pool)
    pair = [VOLUME] * 3, [VOLUME > 0.5] * 3
    for kilobytes, workers in ((1000, [3]), (125, [2]), (70, [])):
        small(kilobytes)
        seen.clear()
        assert len(betti_matching_batch(*pair, threads=3)) == 3
        assert seen == workers


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space")
def test_a_limit_of_the_process_is_seen() -> None:
    code = (
        "import resource; from seglosses.topology.memory import free_memory\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**46, -1)); before = free_memory()\n"
        "now = next(int(line.split()[1]) for line in open('/proc/self/status')"
        " if line.startswith('VmSize'))\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1024 * now + 10**7, -1)); after = free_memory()\n"
        "assert after <= 10**7 < before, (before, after)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("threads", [0, -1, 1.5])
def test_threads_that_do_not_exist_are_refused(threads) -> None:
    for function, images in ((betti_matching, VOLUME), (betti_matching_batch, [VOLUME])):
        with pytest.raises(ValueError, match=r"threads must be a whole number in \[1, inf\)"):
            function(images, images, threads=threads)


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory as Linux counts it")
@pytest.mark.parametrize(("kind", "most"), [("two-volumes", 100), ("volume", 90)])
def test_a_matching_gives_back_what_it_no_longer_needs(kind, most) -> None:
    tools = Path(__file__).parents[2] / "tools"
    if not tools.is_dir():
        pytest.skip("needs tools/betti_memory.py")
    command = [sys.executable, str(tools / "betti_memory.py"), "ours", kind, "64"]
    # Arrays of that size then go back to the system at once.
    env = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
    said = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    assert int(said.split(": ")[1].split()[0]) <= most, said


def test_images_of_two_soft_volumes_take_turns(monkeypatch) -> None:
    running: list[int] = []
    most = []

    def watched(*args, **options):
        running.append(1)
        most.append(len(running))
        time.sleep(0.05)  # long enough for the other thread to come here, too
        image = volumes_image_of(*args, **options)
        running.pop()
        return image

    volumes_image_of = volumes.image_of
    monkeypatch.setattr(volumes, "image_of", watched)
    one, two = np.random.default_rng(1).random((2, 6, 7, 8))
    found = betti_matching(one, two, threads=2)
    assert most == [1, 1]
    alone = betti_matching(one, two, threads=1)
    for mine, other in zip(found.matched, alone.matched, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_more_edges_than_can_be_counted_are_refused_with_a_remedy(monkeypatch) -> None:
    one, two = np.random.default_rng(0).random((2, 9, 8, 7))
    monkeypatch.setattr(pairings, "MOST_ROWS", 100)
    with pytest.raises(MemoryError, match="more than 100 edges in all; match windows"):
        betti_matching(one, two)
