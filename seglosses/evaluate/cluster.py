"""Work on a running Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import joblib


@contextmanager
def on_cluster(address: str) -> Iterator[None]:
    """Send joblib's work to a running Dask scheduler.

    Every worker must see the same files under the same paths.

    Args:
        address: Address of the scheduler, for example tcp://10.0.0.1:8786.

    Returns:
        A context; leaving it disconnects.

    Raises:
        ValueError: When Dask is not installed or no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError("a cluster needs Dask: pip install 'dask[distributed]'") from error
    try:
        client = Client(address, timeout=10)
    except (OSError, TimeoutError) as error:
        raise ValueError(f"no Dask scheduler answers at {address}: {error}") from error
    with client, joblib.parallel_config(backend="dask"):
        yield
