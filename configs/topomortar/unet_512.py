# TopoMortar's protocol (arXiv:2503.03365) as far as mmseg allows; wants a GPU of some 16 GB.
#
# As in the paper: whole 512 x 512 images normalised one by one, batch 10, its ten augmentations with
# their probabilities and ranges, instance norm, widths 32 to 512, deep supervision with CE + Dice on
# the smaller heads and the compared loss on the full-resolution head, SGD with poly decay over 12000
# iterations, half precision, gradient clipping, last checkpoint, all seven test groups.
#
# Deviations:
# - mmseg's UNet doubles its width at every stage without a cap, so it has 5 levels and 3 auxiliary
#   heads where MONAI's DynUNet has 8 and 6; heads weigh 2^-i / (1 + 1/2 + 1/4 + 1/8).
# - Upsampling is bilinear with a 1 x 1 convolution where DynUNet has transposed convolutions.
# - Pixels that rotation or zoom brings in from outside are ignored; the paper's repeat the border.
# - Zooming in keeps a random window and zooming out pads at the right and below; the paper's are
#   about the centre. The exponent of gamma lies below 1 half of the time; the paper's is uniform.
# - RandHue belongs to a setting of its own: configs/topomortar/unet_512_randhue.py.
# - No torch.compile, no self-distillation rounds.
_base_ = [
    "../_base_/models/unet_c32_deep.py",
    "../_base_/datasets/topomortar_512.py",
    "../_base_/schedules/sgd_12k.py",
    "../_base_/default_runtime.py",
    "../losses/ce_dice.py",
]
model = dict(decode_head=dict(loss_decode=_base_.loss_decode))
