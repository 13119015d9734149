"""Changes that no test of version 0.1.0 noticed."""

_TVERSKY = "seglosses/losses/overlap/tversky.py"
_DEFAULTS = """    target: Tensor,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    smooth: float = 1.0,
"""
_CLASS_DEFAULTS = """        self,
        alpha: float = 0.3,
        beta: float = 0.7,
        smooth: float = 1.0,
"""

MUTATIONS = [
    (
        "seglosses/losses/classes.py",
        "rows, None if mass is None else self._present(mass).any(1), batch, asked",
        "rows, None, batch, asked",
        "tests/losses/test_classes.py",
    ),
    (
        "seglosses/losses/rows.py",
        "weight.mean(1) if weight.dim() == 2 else weight",
        "weight[:, 0] if weight.dim() == 2 else weight",
        "tests/losses/test_rows.py tests/losses/test_weights.py",
    ),
    (
        _TVERSKY,
        _DEFAULTS,
        _DEFAULTS.replace("0.3", "0.5").replace("0.7", "0.3").replace("0.5", "0.7"),
        "tests/losses/overlap/test_region.py tests/losses/test_pairs.py",
    ),
    (
        _TVERSKY,
        _CLASS_DEFAULTS,
        _CLASS_DEFAULTS.replace("0.3", "0.5").replace("0.7", "0.3").replace("0.5", "0.7"),
        "tests/losses/overlap/test_region.py tests/losses/test_pairs.py",
    ),
    (
        "seglosses/hosts/openmmlab/runs.py",
        "place = place[-1]",
        "place = place[0]",
        "tests/hosts/openmmlab/test_runs.py",
    ),
]
