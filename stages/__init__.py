"""The pipeline's stages, one command each: ``python -m stages.<name> [item]``.

A stage reads, calls one domain function, writes, logs.
"""
