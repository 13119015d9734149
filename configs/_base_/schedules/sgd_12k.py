# TopoMortar's optimisation: SGD, lr 0.01, momentum 0.99 (Nesterov), weight decay 3e-5, poly 0.9,
# 12000 iterations, half precision, gradient norm clipped at 12, last checkpoint.
# The paper divides the sum over its 7 heads by 7 and mmseg adds heads up, so lr / 7, weight
# decay x 7 and clipping x 7 take the same step.
heads = 7
max_iters = 12000
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=1200)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(
    type="AmpOptimWrapper",
    loss_scale="dynamic",
    optimizer=dict(
        type="SGD", lr=0.01 / heads, momentum=0.99, nesterov=True, weight_decay=3e-5 * heads
    ),
    clip_grad=dict(max_norm=12.0 * heads),
)
param_scheduler = [
    dict(type="PolyLR", power=0.9, eta_min=0.0, begin=0, end=max_iters, by_epoch=False)
]
default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=1200, max_keep_ckpts=2),
    sampler_seed=dict(type="DistSamplerSeedHook"),
)
