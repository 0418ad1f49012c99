"""Was this report used? Attacks that tell from the synthetic data alone which private reports the
loop has used: each scores every private report, and does well if train scores higher than holdout.
"""
