"""Two processes that train together, over gloo."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import torch.distributed as dist
import torch.multiprocessing as mp

Rank = Callable[[int], Any]


def in_two_processes(work: Rank) -> dict[int, Any]:
    """What a function of a module gives in each of two processes, by rank."""
    context = mp.get_context("spawn")
    queue = context.SimpleQueue()
    port = _free_port()
    workers = [context.Process(target=_run, args=(work, rank, port, queue)) for rank in range(2)]
    for worker in workers:
        worker.start()
    results = dict(queue.get() for _ in workers)
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    return results


def _run(work: Rank, rank: int, port: int, queue: mp.SimpleQueue) -> None:
    dist.init_process_group(
        "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2,
        timeout=timedelta(seconds=60),
    )  # fmt: skip
    queue.put((rank, work(rank)))
    dist.barrier()
    dist.destroy_process_group()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
