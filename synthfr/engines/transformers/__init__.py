"""The engine for any causal language model, on CPU or GPU: batched decoding with transformers."""
