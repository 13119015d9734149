# Thin structures at the resolution they were labelled in: training crops of 256 x 256, whole images
# tested; for folders in the TopoMortar layout, as `seglosses arrange` makes them.
dataset_type = "seglosses.TopoMortarDataset"
data_root = "data/thin"
crop_size = (256, 256)

train_pipeline = [
    dict(
        type="seglosses.Remember",
        transforms=[dict(type="LoadImageFromFile"), dict(type="LoadAnnotations")],
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
    dict(type="seglosses.NormalizeEachImage"),
    dict(type="PackSegInputs"),
]
whole = dict(batch_size=1, num_workers=0, sampler=dict(type="DefaultSampler", shuffle=False))
train_dataloader = dict(
    batch_size=2,
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
    **whole,
    dataset=dict(type=dataset_type, data_root=data_root, split="val", pipeline=test_pipeline),
)
test_dataloader = dict(
    **whole,
    dataset=dict(type=dataset_type, data_root=data_root, split="test", pipeline=test_pipeline),
)
val_evaluator = dict(type="IoUMetric", iou_metrics=["mIoU", "mDice"])
test_evaluator = val_evaluator
