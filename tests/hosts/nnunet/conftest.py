"""What only an environment with nnU-Net can import is not looked at for tests."""

collect_ignore_glob = ["session.py", "short_trainers/*", "torchvision_operators.py"]
