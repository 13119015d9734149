# FCOS on COCO with ResNet-50.
# Weights start at random; for those of ImageNet add
# --cfg-options model.backbone.init_cfg.type=Pretrained
#   model.backbone.init_cfg.checkpoint=torchvision://resnet50
_base_ = [
    "../_base_/models/fcos.py",
    "../_base_/datasets/coco.py",
    "../_base_/schedules/sgd_90k.py",
    "../_base_/detection_runtime.py",
]
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(depth=50, base_channels=64),
    neck=dict(
        in_channels=[512, 1024, 2048],
        out_channels=256,
        num_outs=5,
        add_extra_convs="on_output",
        relu_before_extra_convs=True,
    ),
    bbox_head=dict(
        num_classes=80,
        in_channels=256,
        stacked_convs=4,
        feat_channels=256,
        strides=[8, 16, 32, 64, 128],
        regress_ranges=((-1, 64), (64, 128), (128, 256), (256, 512), (512, 1e8)),
    ),
)
