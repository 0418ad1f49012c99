"""How the tiny base model that the package ships is made: its texts, its training, its packing.

A tool for maintainers (``synth-fr tiny-base``): no stage of the pipeline comes here.
"""
