# Vessels, membranes, cracks: crops of 256 x 256 at full resolution, UNet of base 8, two crops an
# iteration. Any two folders become such a set with `seglosses arrange`.
_base_ = [
    "../_base_/models/unet_c8.py",
    "../_base_/datasets/thin_256.py",
    "../_base_/schedules/adamw_300.py",
    "../_base_/default_runtime.py",
    "../losses/ce_dice.py",
]
model = dict(decode_head=dict(loss_decode=_base_.loss_decode))
