# A UNet of four stages and 0.11 M parameters: full resolution, because lines that are one or two
# pixels wide do not survive heads that predict at 1/8.
# Images whose sides are no multiples of 8 are padded, and what was padded is cut off again.
norm_cfg = dict(type="IN", affine=True)
act_cfg = dict(type="LeakyReLU", negative_slope=0.01)
model = dict(
    type="EncoderDecoder",
    # NormalizeEachImage in the pipeline has normalised the images.
    data_preprocessor=dict(
        type="SegDataPreProcessor",
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        size_divisor=8,
        test_cfg=dict(size_divisor=8),
    ),
    backbone=dict(
        type="UNet",
        in_channels=3,
        base_channels=8,
        num_stages=4,
        strides=(1, 1, 1, 1),
        enc_num_convs=(2, 2, 2, 2),
        dec_num_convs=(2, 2, 2),
        downsamples=(True, True, True),
        enc_dilations=(1, 1, 1, 1),
        dec_dilations=(1, 1, 1),
        norm_cfg=norm_cfg,
        act_cfg=act_cfg,
        upsample_cfg=dict(type="InterpConv"),
        init_cfg=None,
    ),
    decode_head=dict(
        type="FCNHead",
        in_channels=8,
        in_index=3,
        channels=8,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0.0,
        num_classes=2,
        align_corners=False,
        norm_cfg=norm_cfg,
        act_cfg=act_cfg,
        loss_decode=[dict(type="seglosses.CrossEntropyLoss")],
    ),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)
