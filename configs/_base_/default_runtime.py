default_scope = "mmseg"
env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    dist_cfg=dict(backend="nccl"),
)
vis_backends = [dict(type="LocalVisBackend")]
visualizer = dict(type="SegLocalVisualizer", vis_backends=vis_backends, name="visualizer")
log_processor = dict(by_epoch=False, window_size=10)
log_level = "INFO"
load_from = None
resume = False
randomness = dict(seed=0)
# Idle unless a loss has a schedule as its loss_weight.
custom_hooks = [dict(type="seglosses.LossWeightSchedule")]
