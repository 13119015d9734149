# DETR on COCO with ResNet-50, at a 32nd of the size, for 150 epochs.
# Weights start at random; for those of ImageNet add
# --cfg-options model.backbone.init_cfg.type=Pretrained
#   model.backbone.init_cfg.checkpoint=torchvision://resnet50
_base_ = [
    "../_base_/models/detr.py",
    "../_base_/datasets/coco.py",
    "../_base_/schedules/sgd_90k.py",
    "../_base_/detection_runtime.py",
]
max_iters = 1110000
train_cfg = dict(max_iters=max_iters, val_interval=37000)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=1e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=0.1),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1, decay_mult=1.0))),
)
param_scheduler = [
    dict(type="MultiStepLR", by_epoch=False, begin=0, end=max_iters, milestones=[740000], gamma=0.1)
]
attention = dict(embed_dims=256, num_heads=8, dropout=0.1)
feedforward = dict(embed_dims=256, feedforward_channels=2048, ffn_drop=0.1)
model = dict(
    data_preprocessor=_base_.data_preprocessor,
    backbone=dict(
        depth=50,
        base_channels=64,
        num_stages=4,
        strides=(1, 2, 2, 2),
        dilations=(1, 1, 1, 1),
        out_indices=(3,),
    ),
    neck=dict(in_channels=[2048], out_channels=256),
    encoder=dict(num_layers=6, layer_cfg=dict(self_attn_cfg=attention, ffn_cfg=feedforward)),
    decoder=dict(
        num_layers=6,
        layer_cfg=dict(self_attn_cfg=attention, cross_attn_cfg=attention, ffn_cfg=feedforward),
    ),
    positional_encoding=dict(num_feats=128),
    bbox_head=dict(num_classes=80, embed_dims=256),
)
