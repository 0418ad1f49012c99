"""The engine behind any OpenAI-compatible server."""
