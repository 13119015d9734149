# The rectified region-wise loss alone, as in TopoMortar.
loss_decode = [dict(type="seglosses.RegionWiseLoss")]
