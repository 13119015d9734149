# PIoUv2Loss for box heads that decode before the loss; see docs/detection.md.
loss_bbox = dict(type="seglosses.PIoUv2Loss", loss_weight=2.0)
