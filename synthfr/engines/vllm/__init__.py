"""The engine of GPUs: vLLM, in one process or several."""
