# FCOS on bricks, which are many.
_base_ = [
    "../_base_/models/fcos.py",
    "../_base_/datasets/bricks_coco.py",
    "../_base_/schedules/adamw_300.py",
    "../_base_/detection_runtime.py",
]
optim_wrapper = dict(optimizer=dict(lr=1e-3))
model = dict(data_preprocessor=_base_.data_preprocessor, test_cfg=dict(max_per_img=600))
