# DETR: GIoU for the boxes (beside L1, which acts on normalised centres and sizes), and MAL for the
# scores. ForDETR makes the head give IoUs to it.
_base_ = ["../../losses/box_giou.py"]
width = 64
attention = dict(embed_dims=width, num_heads=4, dropout=0.0)
feedforward = dict(embed_dims=width, feedforward_channels=128, num_fcs=2, ffn_drop=0.0)

model = dict(
    type="DETR",
    num_queries=100,
    # one map, at a sixteenth of the size
    backbone=dict(
        type="ResNet",
        depth=18,
        base_channels=32,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(2,),
        frozen_stages=-1,
        norm_cfg=dict(type="BN", requires_grad=True),
        norm_eval=False,
    ),
    neck=dict(
        type="ChannelMapper",
        in_channels=[128],
        kernel_size=1,
        out_channels=width,
        act_cfg=None,
        norm_cfg=None,
        num_outs=1,
    ),
    encoder=dict(num_layers=2, layer_cfg=dict(self_attn_cfg=attention, ffn_cfg=feedforward)),
    decoder=dict(
        num_layers=2,
        layer_cfg=dict(self_attn_cfg=attention, cross_attn_cfg=attention, ffn_cfg=feedforward),
        return_intermediate=True,
    ),
    positional_encoding=dict(num_feats=width // 2, normalize=True),
    bbox_head=dict(
        type="DETRHead",
        num_classes=1,
        embed_dims=width,
        loss_cls=dict(
            type="seglosses.ForDETR",
            use_sigmoid=True,
            loss=dict(type="seglosses.MatchabilityAwareLoss", gamma=1.5),
        ),
        loss_bbox=dict(type="L1Loss", loss_weight=5.0),
        loss_iou=_base_.loss_bbox,
    ),
    train_cfg=dict(
        assigner=dict(
            type="HungarianAssigner",
            match_costs=[
                dict(type="FocalLossCost", weight=2.0),
                dict(type="BBoxL1Cost", weight=5.0, box_format="xywh"),
                dict(type="IoUCost", iou_mode="giou", weight=2.0),
            ],
        )
    ),
    test_cfg=dict(max_per_img=100),
)
