# TopoMortar for a CPU: 128 x 128, UNet of base 8, 300 iterations, in-distribution test images.
# Not a reproduction of the paper: at 128 px mortar is one or two pixels wide, and Betti numbers
# are those of the shrunk masks, not of betti_numbers.csv.
_base_ = [
    "../_base_/models/unet_c8.py",
    "../_base_/datasets/topomortar_128.py",
    "../_base_/schedules/adamw_300.py",
    "../_base_/default_runtime.py",
    "../losses/ce_dice.py",
]
model = dict(decode_head=dict(loss_decode=_base_.loss_decode))
