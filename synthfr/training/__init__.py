"""Training of a step's LoRA adapter: supervised (`sft`, step0) and from preferences (`dpo`, the
rounds).

A stage describes a training as an `sft.SftJob` or a `dpo.DpoJob` and hands it to `launch.train`.
All that is changed in TRL stands in `trl_seam`.
"""
