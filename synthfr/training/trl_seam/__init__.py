"""All that is changed in TRL and transformers, or reached into behind their public interfaces, for
training: what, in which module here, and why. Everything else uses them as their manuals say.

After an upgrade of TRL: read `CHANGES` against the new version, run ``tests/training``, then raise
`TESTED_TRL`. Tests keep the list complete, and private attributes out of all other modules.
"""

from __future__ import annotations

from dataclasses import dataclass

TESTED_TRL = "1.16.0"


@dataclass(frozen=True)
class Change:
    """`name` (dotted, of theirs) is replaced or used in `module` of this package, for `reason`."""

    name: str
    module: str
    reason: str


CHANGES = (
    Change(
        "transformers.Trainer._get_train_sampler",
        "trainers",
        "their samplers draw from global random state at the start of an epoch, which a run that "
        "goes on in the middle of one does not get back: it would end in other bytes",
    ),
    Change(
        "trl.SFTTrainer.create_model_card",
        "trainers",
        "a trainer writes a card into every checkpoint; the published card is ours",
    ),
    Change(
        "transformers.PreTrainedModel.forward",
        "head",
        "the trainers let it score labels (add_fused_lm_head); on a CPU it then projects prompt "
        "and padding, too, 40 % of a tiny model's step: ours answers the same call without them",
    ),
    Change(
        "trl.trainer.utils.FusedCausalLMOutput",
        "head",
        "the form of that call's answer, which TRL does not export",
    ),
    Change(
        "transformers.PreTrainedModel.forward",
        "unpadded",
        "a padded batch is laid end to end before the model, and its answer spread out again: "
        "TRL's DPO trainer knows padded batches only",
    ),
    Change(
        "transformers.PreTrainedModel.set_attn_implementation",
        "attention",
        "theirs without padding wants the package flash-attn and a GPU; ours is torch's alone",
    ),
    Change(
        "trl.DPOTrainer._prepare_dataset",
        "dpo_trainer",
        "the rows are token ids already, and DPOConfig, other than SFTConfig, cannot say so",
    ),
    Change(
        "trl.DPOTrainer.compute_ref_log_probs",
        "dpo_trainer",
        "the reference is computed with the model as it will be trained, and kept in our scratch "
        "folder; TRL does it while the trainer is made, and hashes all weights for its cache",
    ),
    Change(
        "trl.DPOTrainer.precompute_ref_logps",
        "dpo_trainer",
        "tells the trainer that the rows carry their reference log-probabilities",
    ),
    Change(
        "trl.DPOTrainer.ref_chosen_logps",
        "dpo_trainer",
        "the columns (and ref_rejected_logps) that the trainer then reads them from",
    ),
    Change(
        "trl.trainer.utils.add_fused_lm_head.fused_lm_head",
        "dpo_trainer",
        "the call that trains is made once before training: loss and margin must be ln 2 and 0",
    ),
)
