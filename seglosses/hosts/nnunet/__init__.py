"""nnU-Net v2: trainers that it finds by ``nnUNet_extTrainer``, and what they are made of.

``seglosses nnunet-path`` prints the folder of the trainers, which alone imports nnU-Net.
"""
