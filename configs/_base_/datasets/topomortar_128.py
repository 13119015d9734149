# 128 x 128 by area averaging, training crops of 96 x 96; for folders in the TopoMortar layout.
dataset_type = "seglosses.TopoMortarDataset"
data_root = "data/topomortar"
image_size = (128, 128)
crop_size = (96, 96)

train_pipeline = [
    dict(
        type="seglosses.Remember",
        transforms=[
            dict(type="LoadImageFromFile"),
            dict(type="LoadAnnotations"),
            dict(type="seglosses.ShrinkByArea", size=image_size),
        ],
    ),
    dict(type="RandomCrop", crop_size=crop_size),
    dict(type="RandomRotFlip", rotate_prob=0.0, flip_prob=0.75),
    dict(type="PhotoMetricDistortion", hue_delta=9),
    dict(type="seglosses.NormalizeEachImage"),
    dict(type="PackSegInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations"),
    dict(type="seglosses.ShrinkByArea", size=image_size),
    dict(type="seglosses.NormalizeEachImage"),
    dict(type="PackSegInputs"),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
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
    batch_size=4,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type=dataset_type, data_root=data_root, split="val", pipeline=test_pipeline),
)
test_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        split="test",
        groups=["indistr"],
        pipeline=test_pipeline,
    ),
)
val_evaluator = dict(type="IoUMetric", iou_metrics=["mIoU", "mDice"])
test_evaluator = val_evaluator
