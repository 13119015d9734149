"""Whether a higher or lower value of a metric is better, for the hooks that choose checkpoints.

mmengine guesses the direction of ``save_best`` and of ``EarlyStoppingHook`` from words in the key:
a key under ``topology/`` is taken for one that should grow, because it holds "top", and of
``scores/hd95`` nothing can be guessed. Its hooks are made before any metric exists. So importing
this module teaches these two classes the keys of our metrics: a rule that is left open is filled in
where a key is ours; when a training begins, a rule that was guessed wrongly is set right, and one
that was given wrongly is refused; and a validation in which a number is undefined chooses no
checkpoint and stops no training. Keys of other metrics are not touched.
"""

from __future__ import annotations

import functools
import inspect
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from mmengine.evaluator import BaseMetric
from mmengine.hooks import CheckpointHook, EarlyStoppingHook
from mmengine.logging import print_log

Rule = Literal["greater", "less"]

WORST: Mapping[str, float] = {"greater": -math.inf, "less": math.inf}


class DirectedMetric(BaseMetric):
    """A metric that says of every key whether more of it is better.

    Hooks read :meth:`directions` when a training begins.
    """

    def directions(self) -> dict[str, Rule]:
        """Rule by key, without the prefix, of every key that there may be."""
        raise NotImplementedError

    def want(self, key: str) -> None:
        """A hook reads this key: give it, where it would be left out of the log otherwise.

        Args:
            key: As in :meth:`prefixed_directions`.
        """

    @classmethod
    def usual(cls) -> DirectedMetric:
        """An instance with usual options and all keys."""
        return cls()

    def prefixed_directions(self) -> dict[str, Rule]:
        """Rule by key as hooks and logs have it."""
        start = f"{self.prefix}/" if self.prefix else ""
        return {f"{start}{key}": rule for key, rule in self.directions().items()}


@functools.cache
def usual_directions() -> dict[str, Rule]:
    """Rule by last part of the key, of every registered metric with its usual options.

    Example:
        >>> rules = usual_directions()
        >>> rules["cldice"], rules["hd95"], rules["betti_matching_error"], rules["iou_mean"]
        ('greater', 'less', 'less', 'greater')
    """
    from seglosses.registry import METRICS

    rules: dict[str, Rule] = {}
    for metric in METRICS.module_dict.values():
        if issubclass(metric, DirectedMetric):
            rules |= metric.usual().directions()
    return rules


def direction_of(key: str) -> Rule | None:
    """The rule of a key as hooks have it, None where it is no key of ours.

    Args:
        key: With any prefix, and with the name of a class after a dot.

    Example:
        >>> direction_of("scores/hd95"), direction_of("val/scores/cldice.road")
        ('less', 'greater')
        >>> direction_of("mIoU") is None
        True
    """
    rules = usual_directions()
    parts = key.split("/")
    if len(parts) == 1:
        return None
    for start in range(1, len(parts)):
        last = "/".join(parts[start:])
        for name in (last, last.split(".")[0]):
            if name in rules:
                return rules[name]
    return None


def _known(runner: Any) -> dict[str, Rule]:
    """Rules of all keys of our metrics in the validation of a runner."""
    loop = getattr(runner, "val_loop", None)
    metrics = getattr(getattr(loop, "evaluator", None), "metrics", ())
    rules: dict[str, Rule] = {}
    for metric in metrics:
        if isinstance(metric, DirectedMetric):
            rules |= metric.prefixed_directions()
    return rules


def _want(runner: Any, keys: Iterable[str]) -> None:
    """Tell our metrics which keys a hook reads."""
    evaluator = getattr(getattr(runner, "val_loop", None), "evaluator", None)
    for metric in getattr(evaluator, "metrics", ()):
        if isinstance(metric, DirectedMetric):
            for key in keys:
                metric.want(key)


def _given_rules(hook: Any, runner: Any) -> Iterator[Any]:
    """What the user gave as rule: as the hook remembers, or, made too early, as the config has."""
    if hasattr(hook, "_seglosses_given"):
        yield from _listed(hook._seglosses_given)
        return
    cfg = getattr(runner, "cfg", {})
    hooks = [*(cfg.get("default_hooks") or {}).values(), *(cfg.get("custom_hooks") or [])]
    for one in hooks:
        if isinstance(one, Mapping) and str(one.get("type", "")).endswith(type(hook).__name__):
            yield from _listed(one.get("rule"))


def _listed(rule: Any) -> Iterator[Any]:
    yield from rule if isinstance(rule, list | tuple) else [rule]


def _settle(hook: Any, runner: Any, key: str, found: Any, rules: Mapping[str, Rule]) -> Rule | None:
    """The right rule of a key where the hook has another; None where it need not change."""
    right = rules.get(key)
    if right is None or found == right:
        return None
    if found in _given_rules(hook, runner):
        better = {"greater": "more", "less": "less"}[right]
        raise ValueError(
            f"{type(hook).__name__} has rule={found!r} for {key!r}, of which {better} is better;"
            f" set rule={right!r}, or leave it out"
        )
    print_log(
        f"{type(hook).__name__}: of {key!r} {'more' if right == 'greater' else 'less'} is better"
        f" (rule={right!r}; guessed was {found!r})",
        logger="current",
        level=logging.INFO,
    )
    return right


def _init(original: Callable[..., None]) -> Callable[..., None]:
    signature = inspect.signature(original)

    @functools.wraps(original)
    def init(self: Any, *args: object, **options: object) -> None:
        self._seglosses_given = signature.bind(self, *args, **options).arguments.get("rule")
        original(self, *args, **options)

    return init


def _checkpoint_before_train(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def before_train(self: Any, runner: Any) -> None:
        rules = _known(runner)
        self._seglosses_rules = rules
        if self.save_best is not None:
            _want(runner, self.key_indicators)
            for index, key in enumerate(self.key_indicators):
                right = _settle(self, runner, key, self.rules[index], rules)
                if right is not None:
                    self.rules[index] = right
                    self.is_better_than[key] = self.rule_map[right]
        original(self, runner)

    return before_train


def _checkpoint_after_val(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def after_val_epoch(self: Any, runner: Any, metrics: Any = None) -> None:
        rules = getattr(self, "_seglosses_rules", {})
        if self.save_best is None or not metrics or not rules:
            original(self, runner, metrics)
            return
        if self.key_indicators == ["auto"]:
            first = next(iter(metrics))
            _settle(self, runner, first, self.rules[0] or rules.get(first), rules)
        filled = dict(metrics)
        for key in self.key_indicators:
            if key in rules and not math.isfinite(filled.get(key, math.nan)):
                # never better than any, and better than a KeyError in the midst of a training
                filled[key] = WORST[rules[key]]
                print_log(
                    f"{key} is undefined in this validation: no checkpoint is chosen by it",
                    logger="current",
                    level=logging.WARNING,
                )
        original(self, runner, filled)

    return after_val_epoch


def _checkpoint_init_rule(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def init_rule(self: Any, rules: Any, key_indicators: Any) -> None:
        rules = rules * len(key_indicators) if len(rules) == 1 else rules
        own = getattr(self, "_seglosses_rules", {})
        filled = [
            (own.get(key) or direction_of(key)) if rule is None else rule
            for key, rule in zip(key_indicators, rules, strict=True)
        ]
        original(self, filled, key_indicators)

    return init_rule


def _stopping_init_rule(original: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(original)
    def init_rule(self: Any, monitor: str) -> str:
        # mmengine calls this only where no rule was given
        return direction_of(monitor) or original(self, monitor)

    return init_rule


def _stopping_before_train(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def before_train(self: Any, runner: Any) -> None:
        self._seglosses_rules = _known(runner)
        _want(runner, [self.monitor])
        right = _settle(self, runner, self.monitor, self.rule, self._seglosses_rules)
        if right is not None:
            self.rule = right
            self.min_delta = abs(self.min_delta) * (1 if right == "greater" else -1)
            self.best_score = WORST[right]
        original(self, runner)

    return before_train


def _stopping_after_val(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def after_val_epoch(self: Any, runner: Any, metrics: Any = None) -> None:
        rules = getattr(self, "_seglosses_rules", {})
        if metrics and self.monitor in rules and math.isnan(metrics.get(self.monitor, 0.0)):
            # undefined, which is no divergence
            metrics = {key: value for key, value in metrics.items() if key != self.monitor}
        original(self, runner, metrics)

    return after_val_epoch


_TAUGHT = (
    (CheckpointHook, "__init__", _init),
    (EarlyStoppingHook, "__init__", _init),
    (CheckpointHook, "before_train", _checkpoint_before_train),
    (CheckpointHook, "after_val_epoch", _checkpoint_after_val),
    (CheckpointHook, "_init_rule", _checkpoint_init_rule),
    (EarlyStoppingHook, "before_train", _stopping_before_train),
    (EarlyStoppingHook, "after_val_epoch", _stopping_after_val),
    (EarlyStoppingHook, "_init_rule", _stopping_init_rule),
)

for _class, _name, _teach in _TAUGHT:
    if not hasattr(getattr(_class, _name), "__wrapped__"):
        setattr(_class, _name, _teach(getattr(_class, _name)))
