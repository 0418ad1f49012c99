"""The pipeline on a SLURM cluster: what is stale, what it needs, its jobs, and how they fare.

Drives the command lines of DVC and SLURM; ``synth-fr submit`` and ``slurm/stage.sbatch`` call it.
Not submitit: it sends pickled Python functions and waits for what they return, and its processes
ignore SIGTERM. Our jobs are ``dvc repro`` lines that outlive who submitted them, wait for one
another, and are told by a signal to save their shards before the time limit.
"""
