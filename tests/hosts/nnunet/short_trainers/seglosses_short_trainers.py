"""Our trainers for two epochs of a few batches, as a user would derive them."""

import torch

from seglosses.hosts.nnunet.trainers.seglosses_trainers import (
    nnUNetTrainerBoundary,
    nnUNetTrainerCbDice,
    nnUNetTrainerClDice,
    nnUNetTrainerJaccardMetric,
    nnUNetTrainerLateBettiMatching,
    nnUNetTrainerSeglosses,
    nnUNetTrainerSkeletonRecall,
)


class _Short:
    epochs = 2

    def __init__(
        self,
        plans,
        configuration,
        fold,
        dataset_json,
        device=torch.device("cuda"),  # noqa: B008
    ):
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_epochs = self.epochs
        self.num_iterations_per_epoch = 4
        self.num_val_iterations_per_epoch = 1


class nnUNetTrainerShort(_Short, nnUNetTrainerSeglosses):
    pass


class nnUNetTrainerShortClDice(_Short, nnUNetTrainerClDice):
    pass


class nnUNetTrainerShortSkeletonRecall(_Short, nnUNetTrainerSkeletonRecall):
    pass


class nnUNetTrainerShortCbDice(_Short, nnUNetTrainerCbDice):
    pass


class nnUNetTrainerShortBoundary(_Short, nnUNetTrainerBoundary):
    pass


class nnUNetTrainerShortLateBettiMatching(_Short, nnUNetTrainerLateBettiMatching):
    epochs = 3  # two thirds of them are done when the last one begins


class nnUNetTrainerShortJaccardMetric(_Short, nnUNetTrainerJaccardMetric):
    pass
