# ResNet-18 of half width, trained from scratch, and an FPN of 64 channels with three levels: what a
# CPU can train. For COCO take pretrained weights and the widths of your detector's own config.
data_preprocessor = dict(
    type="DetDataPreprocessor",
    mean=[127.5, 127.5, 127.5],
    std=[64.0, 64.0, 64.0],
    bgr_to_rgb=True,
    pad_size_divisor=32,
)
backbone = dict(
    type="ResNet",
    depth=18,
    base_channels=32,
    num_stages=4,
    out_indices=(1, 2, 3),
    frozen_stages=-1,
    norm_cfg=dict(type="BN", requires_grad=True),
    norm_eval=False,
    style="pytorch",
    init_cfg=None,
)
neck = dict(type="FPN", in_channels=[64, 128, 256], out_channels=64, num_outs=3)
