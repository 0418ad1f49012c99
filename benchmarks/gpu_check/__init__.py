"""What a GPU makes of this project, measured in blocks: ``make gpu-check``.

``python -m benchmarks.gpu_check [--list] [--only NAME] [--again NAME] [--out FILE] [--minutes N]``
``python -m benchmarks.gpu_check wheels --dest FOLDER``

Every block is a process of its own with a time limit; how it ended, and the figures that it had by
then, are written to one JSON file (docs/gpu.json, by the GPU's name) before the next one begins. A
call does what is not recorded yet; ``--again`` measures a block anew. README's table is made from
the file (`synth-fr docs`). Without a GPU it says what it would run and what that needs.

It is made for a machine that has torch and transformers and can reach no registry, too: what is
missing there is told by name and size, ``wheels`` fetches it elsewhere, and nothing but the blocks
themselves imports more than the standard library.
"""
