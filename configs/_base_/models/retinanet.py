# RetinaNet. The head decodes boxes before the loss, which every IoU loss needs.
_base_ = ["resnet18_fpn.py", "../../losses/box_ciou.py"]

model = dict(
    type="RetinaNet",
    backbone=_base_.backbone,
    neck=_base_.neck,
    bbox_head=dict(
        type="RetinaHead",
        num_classes=1,
        in_channels=64,
        stacked_convs=1,
        feat_channels=64,
        reg_decoded_bbox=True,
        anchor_generator=dict(
            type="AnchorGenerator",
            octave_base_scale=4,
            scales_per_octave=2,
            ratios=[0.5, 1.0, 2.0],
            strides=[8, 16, 32],
        ),
        bbox_coder=dict(type="DeltaXYWHBBoxCoder"),
        loss_cls=dict(type="FocalLoss", use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=1.0),
        loss_bbox=_base_.loss_bbox,
    ),
    train_cfg=dict(
        assigner=dict(type="MaxIoUAssigner", pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0),
        sampler=dict(type="PseudoSampler"),
        allowed_border=-1,
        pos_weight=-1,
    ),
    test_cfg=dict(
        nms_pre=1000,
        min_bbox_size=0,
        score_thr=0.05,
        nms=dict(type="nms", iou_threshold=0.5),
        max_per_img=100,
    ),
)
