# FCOS: its points decode boxes by themselves, and the loss weighs them by centreness.
_base_ = ["resnet18_fpn.py", "../../losses/box_diou.py"]

model = dict(
    type="FCOS",
    backbone=_base_.backbone,
    neck=_base_.neck,
    bbox_head=dict(
        type="FCOSHead",
        num_classes=1,
        in_channels=64,
        stacked_convs=1,
        feat_channels=64,
        strides=[8, 16, 32],
        regress_ranges=((-1, 48), (48, 96), (96, 1e8)),
        norm_on_bbox=True,
        centerness_on_reg=True,
        loss_cls=dict(type="FocalLoss", use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=1.0),
        loss_bbox=_base_.loss_bbox,
        loss_centerness=dict(type="CrossEntropyLoss", use_sigmoid=True, loss_weight=1.0),
    ),
    test_cfg=dict(
        nms_pre=1000,
        min_bbox_size=0,
        score_thr=0.05,
        nms=dict(type="nms", iou_threshold=0.5),
        max_per_img=100,
    ),
)
