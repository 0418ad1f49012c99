"""What a set of parameters amounts to before anything runs: time, disk, and memory of GPUs."""
