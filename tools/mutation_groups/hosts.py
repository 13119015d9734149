"""Changes of what hosts see."""

_H = "seglosses/hosts/openmmlab"
_T = "tests/hosts/openmmlab"

MUTATIONS = [
    (
        f"{_H}/runs.py",
        'cfg.train_cfg.val_interval = min(cfg.train_cfg.get("val_interval", before), iters)',
        "cfg.train_cfg.val_interval = iters",
        f"{_T}/test_runs.py",
    ),
    (
        f"{_H}/runs.py",
        'if "anchor_generator" in head or "roi_head" in cfg.model:',
        'if "anchor_generator" in head:',
        f"{_T}/test_runs.py {_T}/test_detection_configs.py",
    ),
    (
        f"{_H}/runs.py",
        'head["loss_iou"] = pieces[key]',
        "head[key] = pieces[key]",
        f"{_T}/test_runs.py {_T}/test_detection_configs.py",
    ),
    (
        f"{_H}/nms.py",
        "chosen = (scores > score_threshold).nonzero().squeeze(1)",
        "chosen = (scores >= 0).nonzero().squeeze(1)",
        f"{_T}/test_detection_parts.py",
    ),
    (
        f"{_H}/nms.py",
        "return kept[scores[kept].argsort(descending=True, stable=True)]",
        "return kept.sort().values",
        f"{_T}/test_mmrotate.py {_T}/test_detection_parts.py",
    ),
    (
        f"{_H}/mask_heads.py",
        "(target >= 0.5).long()",
        "(target > 0.5).long()",
        f"{_T}/test_mask_heads.py",
    ),
    (
        f"{_H}/hooks.py",
        "module.loss_weight = weight * self.factor(runner.iter, runner.max_iters)",
        "module.loss_weight *= self.factor(runner.iter, runner.max_iters)",
        f"{_T}/test_hooks.py",
    ),
    (
        f"{_H}/hooks.py",
        "module.loss_weight = weight\n",
        "pass\n",
        f"{_T}/test_hooks.py",
    ),
    (
        f"{_H}/scores.py",
        "ignore_index=self.ignore_index,\n            form",
        "ignore_index=255,\n            form",
        f"{_T}/test_scores.py",
    ),
    (
        f"{_H}/scores.py",
        "[logits.sigmoid() if len(logits) == 1 else logits.softmax(dim=0)]",
        "[logits.softmax(dim=0)]",
        f"{_T}/test_scores.py {_T}/test_probabilities.py",
    ),
    (
        f"{_H}/predictions.py",
        "if self._sources.setdefault(name, source) != source:",
        "if self._sources.setdefault(name, source) is None:",
        f"{_T}/test_predictions.py",
    ),
    (
        f"{_H}/wrapping.py",
        "if value is not None}",
        "if value}",
        f"{_T}/test_mask_heads.py {_T}/test_detection_parts.py",
    ),
    (
        f"{_H}/extra_inputs.py",
        "return network.eval().requires_grad_(False)",
        "return network.requires_grad_(False)",
        f"{_T}/test_extra_inputs.py",
    ),
    (
        f"{_H}/extra_inputs.py",
        "inputs = inputs.detach().requires_grad_()",
        "inputs = inputs.detach()",
        f"{_T}/test_attributions.py {_T}/test_extra_mixins.py",
    ),
    (
        "seglosses/hosts/torchmetrics/scores.py",
        'metric.setdefault("compute_with_cache", False)',
        'metric.setdefault("compute_with_cache", True)',
        "tests/hosts/torchmetrics/test_scores.py",
    ),
    (
        "seglosses/hosts/monai/metric.py",
        "return math.isnan(best) and not math.isnan(current)",
        "return False",
        "tests/hosts/monai/test_metric.py",
    ),
]
