"""Work on a running Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Files = TypeVar("Files")
Settings = TypeVar("Settings")
Result = TypeVar("Result")

PATIENCE = 300.0
"""Seconds that a cluster may be without any worker before the run ends."""

_LOOK = 5.0
"""Seconds between two looks at the workers while nothing is finished."""


def run_on_cluster(
    work: Callable[[Files, Settings], tuple[Files, Result]],
    items: Sequence[Files],
    settings: Settings,
    address: str,
) -> Iterator[tuple[Files, Result | None]]:
    """Do work on the workers of a running Dask scheduler.

    Every worker must see the same files under the same paths.

    Args:
        work: Called with an item and the settings.
        items: What to work on.
        settings: The same for all.
        address: Address of the scheduler, for example tcp://10.0.0.1:8786.

    Yields:
        What `work` returns, in the order in which it is finished; an item that ends its worker
        each time it is tried comes with None.

    Raises:
        ValueError: When Dask is not installed, no scheduler answers, or the scheduler or all
            workers are gone for longer than :data:`PATIENCE`.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError("a cluster needs Dask: pip install 'dask[distributed]'") from error
    try:
        client = Client(address, timeout=10)
    except (OSError, TimeoutError) as error:
        raise ValueError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        suspects: list[Files] = []
        many = max(2 * sum(client.ncores().values()), 1)
        for item, result in _finished(client, work, items, settings, many):
            if result is None:
                suspects.append(item)
            else:
                yield result
        # Dask accuses all that lay on a worker when it died; alone, only the cause fails again.
        for item, result in _finished(client, work, suspects, settings, 1):
            yield (item, None) if result is None else result


def _finished(
    client: Any,
    work: Callable[[Files, Settings], tuple[Files, Result]],
    items: Sequence[Files],
    settings: Settings,
    many: int,
) -> Iterator[tuple[Files, tuple[Files, Result] | None]]:
    """Items with results, None for those whose workers died, with `many` under way at a time."""
    rest = iter(items)
    under_way: dict[Any, Files] = {}
    while True:
        for item in rest:
            under_way[client.submit(work, item, settings, pure=False)] = item
            if len(under_way) >= many:
                break
        if not under_way:
            return
        future, result = _next(client, under_way)
        yield under_way.pop(future), result


def _next(client: Any, under_way: dict[Any, Any]) -> tuple[Any, Any]:
    """A future that is done, and its result; None when its workers died."""
    from distributed import CancelledError, KilledWorker, wait
    from distributed import TimeoutError as TimeOut

    alone = 0.0
    while True:
        future = None
        try:
            wait(list(under_way), timeout=_LOOK, return_when="FIRST_COMPLETED")
            future = next((one for one in under_way if one.done()), None)
            if future is not None:
                # a result may be lost with the worker that still holds it
                return future, future.result(timeout=_LOOK)
        except KilledWorker:
            return future, None
        except CancelledError as error:
            why = "the scheduler gave up its work"
            raise ValueError(_lost(client, why, under_way)) from error
        except (TimeoutError, TimeOut):
            workers = client.scheduler_info()["workers"] if client.status == "running" else {}
            alone = 0.0 if workers else alone + _LOOK
            if alone >= PATIENCE:
                why = f"no worker was left for {alone:.0f} s"
                raise ValueError(_lost(client, why, under_way)) from None


def _lost(client: Any, why: str, under_way: dict[Any, Any]) -> str:
    named = ", ".join(str(getattr(item, "name", item)) for item in list(under_way.values())[:8])
    return (
        f"the cluster at {client.scheduler.address} is lost: {why}; one of the items under way "
        f"may have ended its workers: {named}. Start workers with a nanny, which replaces them, "
        "and run again: what is finished is kept"
    )
