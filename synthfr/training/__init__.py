"""Training of a step's LoRA adapter: supervised (step0) and from preferences (the rounds)."""
