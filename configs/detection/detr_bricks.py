# A small DETR on crops of 128 x 128.
_base_ = [
    "../_base_/models/detr.py",
    "../_base_/datasets/bricks_coco.py",
    "../_base_/schedules/adamw_300.py",
    "../_base_/detection_runtime.py",
]
optim_wrapper = dict(optimizer=dict(lr=5e-4), clip_grad=dict(max_norm=0.5))
model = dict(data_preprocessor=_base_.data_preprocessor)
