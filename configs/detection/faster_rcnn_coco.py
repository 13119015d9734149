# Faster R-CNN on COCO with ResNet-50.
# Weights start at random; for those of ImageNet add
# --cfg-options model.backbone.init_cfg.type=Pretrained
#   model.backbone.init_cfg.checkpoint=torchvision://resnet50
_base_ = [
    "../_base_/models/faster_rcnn.py",
    "../_base_/datasets/coco.py",
    "../_base_/schedules/sgd_90k.py",
    "../_base_/detection_runtime.py",
]
strides = [4, 8, 16, 32]
optim_wrapper = dict(optimizer=dict(lr=0.02))
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(depth=50, base_channels=64, out_indices=(0, 1, 2, 3)),
    neck=dict(in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=5),
    rpn_head=dict(
        in_channels=256,
        feat_channels=256,
        anchor_generator=dict(scales=[8], strides=[*strides, 64]),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=256, featmap_strides=strides),
        bbox_head=dict(num_classes=80, in_channels=256, fc_out_channels=1024),
    ),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=2000, max_per_img=1000), rcnn=dict(sampler=dict(num=512))
    ),
)
