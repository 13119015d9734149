# The widths of TopoMortar's network (32 to 512) in mmseg's UNet, with deep supervision.
# Images whose sides are no multiples of 16 are padded, and what was padded is cut off again.
# Deviations: see configs/topomortar/unet_512.py.
norm_cfg = dict(type="IN", affine=True)
act_cfg = dict(type="LeakyReLU", negative_slope=0.01)


def _auxiliary(in_channels, in_index, weight):
    # The auxiliary heads keep CE + Dice whatever the mix-in: in the paper too, a topological
    # term acts on the full-resolution head alone.
    return dict(
        type="FCNHead",
        in_channels=in_channels,
        in_index=in_index,
        channels=in_channels,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0.0,
        num_classes=2,
        align_corners=False,
        norm_cfg=norm_cfg,
        act_cfg=act_cfg,
        loss_decode=[
            dict(type="seglosses.CrossEntropyLoss", loss_weight=weight),
            dict(type="seglosses.DiceLoss", loss_weight=weight),
        ],
    )


model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(
        type="SegDataPreProcessor",
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size_divisor=16,
        test_cfg=dict(size_divisor=16),
    ),
    backbone=dict(
        type="UNet",
        in_channels=3,
        base_channels=32,
        num_stages=5,
        strides=(1, 1, 1, 1, 1),
        enc_num_convs=(2, 2, 2, 2, 2),
        dec_num_convs=(2, 2, 2, 2),
        downsamples=(True, True, True, True),
        enc_dilations=(1, 1, 1, 1, 1),
        dec_dilations=(1, 1, 1, 1),
        norm_cfg=norm_cfg,
        act_cfg=act_cfg,
        upsample_cfg=dict(type="InterpConv"),
        init_cfg=None,
    ),
    decode_head=dict(
        type="FCNHead",
        in_channels=32,
        in_index=4,
        channels=32,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0.0,
        num_classes=2,
        align_corners=False,
        norm_cfg=norm_cfg,
        act_cfg=act_cfg,
        loss_decode=[dict(type="seglosses.CrossEntropyLoss")],
    ),
    # w_i = 2^-i / (1 + 1/2 + 1/4 + 1/8); the full-resolution head has weight 1, as in the paper.
    auxiliary_head=[
        _auxiliary(64, 3, 0.5 / 1.875),
        _auxiliary(128, 2, 0.25 / 1.875),
        _auxiliary(256, 1, 0.125 / 1.875),
    ],
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)
