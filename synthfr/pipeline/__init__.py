"""What ties the library to its tools: how a stage is run, where its files lie, the parameters of a
recipe, MLflow (`tracking`), SLURM (`cluster`), the page of results (`page`) and ``synth-fr``
(`cli`).

The only part of the library that knows Typer, DVC, MLflow, SLURM and the repository; nothing else
of it imports from here.
"""
