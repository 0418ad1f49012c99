# Sourced by every job (slurm/stage.sbatch) before it starts Python: what this cluster needs. Written for bash; nothing is set by default.
# Keep your own changes out of git with:  git update-index --skip-worktree slurm/env.sh
# Account, partition, qos and constraint belong to slurm/resources.yaml or to the command line of `synth-fr submit`.

# Modules (an example in the style of Jean Zay):
#   module purge
#   module load arch/a100 python/3.11.5 cuda/12.4.1

# Models, prefetched on a login node (`synth-fr prefetch`), and caches, on scratch:
#   export HF_HOME="$SCRATCH/hf"
#   export XDG_CACHE_HOME="$SCRATCH/.cache"

# MLflow: jobs only write down what they have to say (mlruns/spool), so that nodes never write one sqlite file at once; who looks at
# the end sends it: `synth-fr submit --status`, or `synth-fr sync`. A tracking server that all nodes reach is told at once:
#   export MLFLOW_TRACKING_URI=http://login1:5000
export SYNTHFR_RECORD=later

# Compute nodes have no internet: never try.
export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1
