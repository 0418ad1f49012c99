"""A step's data set, adapter or policy as a folder that the hub, and programs made for it, take as
it is; and its upload.
"""
