# ResNet-18 of half width, trained from scratch, and an FPN of 64 channels with three levels: what a
# CPU can train.
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
)
neck = dict(type="FPN", in_channels=[64, 128, 256], out_channels=64, num_outs=3)
