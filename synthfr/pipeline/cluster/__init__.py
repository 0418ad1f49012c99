"""The pipeline on a SLURM cluster: what is stale, what it needs, its jobs, and how they fare.

Drives the command lines of DVC and SLURM; ``synth-fr submit`` and ``slurm/stage.sbatch`` call it.
"""
