# RetinaNet on bricks, which are wide and low, and many.
_base_ = [
    "../_base_/models/retinanet.py",
    "../_base_/datasets/bricks_coco.py",
    "../_base_/schedules/adamw_300.py",
    "../_base_/detection_runtime.py",
]
optim_wrapper = dict(optimizer=dict(lr=1e-3))
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    bbox_head=dict(anchor_generator=dict(ratios=[0.25, 0.5, 1.0])),
    test_cfg=dict(max_per_img=600),
)
