"""Which laws a loss of :mod:`tests.audit.mistakes` breaks."""

from __future__ import annotations

from seglosses.audit import audit

HERE = "tests.audit.mistakes"


def broken(text: str, setting: str = "3 classes") -> set[str]:
    (verdict,) = [v for v in audit(text) if v.setting == setting]
    return {finding.law for finding in [*verdict.broken, *verdict.conventions]}
