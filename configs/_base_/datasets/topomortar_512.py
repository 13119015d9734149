# The whole 512 x 512 image, batch 10, with the augmentation of TopoMortar's authors in its order.
# Deviations: see configs/topomortar/unet_512.py.
dataset_type = "seglosses.TopoMortarDataset"
data_root = "data/topomortar"
image_size = (512, 512)

train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations"),
    dict(type="seglosses.NormalizeEachImage"),
    dict(type="RandomRotate", prob=0.2, degree=180.0, pad_val=0, seg_pad_val=255),
    dict(
        type="RandomApply",
        prob=0.2,
        transforms=[
            dict(type="RandomResize", scale=image_size, ratio_range=(0.7, 1.4), keep_ratio=True),
            dict(type="RandomCrop", crop_size=image_size),
            dict(type="Pad", size=image_size, pad_val=dict(img=0, seg=255)),
        ],
    ),
    dict(type="BioMedicalGaussianNoise", prob=0.1, std=0.1),
    dict(type="seglosses.RandomSmoothing", prob=0.2, sigma=(0.5, 1.0)),
    dict(type="seglosses.RandomScale", prob=0.15, factors=(-0.25, 0.25)),
    dict(type="seglosses.RandomContrast", prob=0.15, factors=(-0.25, 0.25)),
    dict(type="seglosses.RandomLowResolution", prob=0.25, zoom=(0.5, 1.0)),
    dict(
        type="BioMedicalRandomGamma",
        prob=0.1,
        gamma_range=(0.7, 1.5),
        invert_image=True,
        retain_stats=True,
    ),
    dict(type="BioMedicalRandomGamma", prob=0.1, gamma_range=(0.7, 1.5), retain_stats=True),
    dict(type="RandomFlip", prob=[0.25, 0.25], direction=["horizontal", "vertical"]),
    dict(type="PackSegInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations"),
    dict(type="seglosses.NormalizeEachImage"),
    dict(type="PackSegInputs"),
]
train_dataloader = dict(
    batch_size=10,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split="train",
        labels="accurate",
        train_size="large",
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=10,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type=dataset_type, data_root=data_root, split="val", pipeline=test_pipeline),
)
test_dataloader = dict(
    batch_size=10,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type=dataset_type, data_root=data_root, split="test", pipeline=test_pipeline),
)
val_evaluator = dict(type="IoUMetric", iou_metrics=["mIoU", "mDice"])
test_evaluator = val_evaluator
