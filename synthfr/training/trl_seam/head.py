"""Log-probabilities of the report's tokens on a CPU, without those of the prompt and the padding.

TRL's trainers get log-probabilities by calling the model with ``fused_lm_head=True``. Without
Triton its head projects every position, twice, and folds statistics that nobody reads here: on a
tiny model 40 % of a training step. This one answers the same call for labelled positions only.
"""

from __future__ import annotations

from typing import Any

# what some architectures do to their logits; TRL's head knows how, ours does not
_LOGIT_SETTINGS = (
    "final_logit_softcapping",
    "lm_head_multiplier",
    "logit_scale",
    "logits_scaling",
    "output_multiplier",
)


def score_labels_only(model: Any) -> bool:
    """Let `model`, prepared by a TRL trainer, score labelled positions only; False: left as it is.

    The answer has TRL's form; `entropy` and `mean_logits`, which only its logs use, are zero.
    """
    import torch
    from torch.nn.functional import cross_entropy
    from trl.trainer.utils import FusedCausalLMOutput

    config = model.config.get_text_config()
    if torch.cuda.is_available() or any(
        getattr(config, name, None) not in (None, 1.0) for name in _LOGIT_SETTINGS
    ):
        return False
    trl_forward = model.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        if not kwargs.get("fused_lm_head") or kwargs.get("output_router_logits"):
            return trl_forward(*args, **kwargs)
        labels = kwargs.pop("labels")[:, 1:]
        del kwargs["fused_lm_head"]
        hidden = model.base_model(*args, **kwargs).last_hidden_state[:, :-1]
        mask = labels != -100
        logits = model.get_output_embeddings()(hidden[mask]).float()
        scored = -cross_entropy(logits, labels[mask], reduction="none")
        zeros = scored.new_zeros(mask.shape)
        top = zeros.bool().masked_scatter(mask, logits.detach().argmax(-1) == labels[mask])
        return FusedCausalLMOutput(
            log_probs=zeros.masked_scatter(mask, scored),
            entropy=zeros,
            mean_logits=zeros,
            is_top1=top,
            label_mask=mask,
        )

    model.forward = forward
    return True
