# The usual "1x" of COCO: 90000 iterations (12 epochs) of 16 images. Set the learning rate for 16;
# with another number of images pass --cfg-options auto_scale_lr.enable=True.
max_iters = 90000
train_cfg = dict(type="IterBasedTrainLoop", max_iters=max_iters, val_interval=7500)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.01, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=35.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(
        type="MultiStepLR",
        by_epoch=False,
        begin=0,
        end=max_iters,
        milestones=[60000, 82500],
        gamma=0.1,
    ),
]
auto_scale_lr = dict(enable=False, base_batch_size=16)
default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=7500, max_keep_ckpts=2),
    sampler_seed=dict(type="DistSamplerSeedHook"),
)
