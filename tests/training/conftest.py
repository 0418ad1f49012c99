"""One tiny base for all training tests, and adapters as bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import tiny
from tests.training import small


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.base(tmp_path_factory.mktemp("base") / "base")


@pytest.fixture(scope="session")
def plain(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """The small training of a kind, with the parameters of `small`: done once, compared often."""
    results: dict[str, Any] = {}

    def result(kind: str) -> Any:
        if kind not in results:
            results[kind] = small.train(kind, base, tmp_path_factory.mktemp("plain") / "scratch")
        return results[kind]

    return result


@pytest.fixture(scope="session")
def chat_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base whose prompts are a user's turn; its end of text is not its end of turn."""
    from synthfr.models.base import Base, provide

    folder = tmp_path_factory.mktemp("chat")
    tiny.save_chat_model(folder / "source")
    params = Base(
        source="local",
        path=str(folder / "source"),
        repo_id=None,
        revision=None,
        allow_download=False,
        chat_template=True,
    )
    provide(params, folder / "base")
    return folder / "base"


@pytest.fixture
def saved(tmp_path: Path, base: Path) -> Callable[[Any], bytes]:
    """The file of a trained adapter, as the pipeline would write it."""

    def save(model: Any) -> bytes:
        from synthfr.models import save_adapter

        save_adapter(model, tmp_path / "adapter", "step0", None, base, None)
        return (tmp_path / "adapter" / "adapter_model.safetensors").read_bytes()

    return save


class Stopped(Exception):
    """Carries a trainer that is ready to train."""

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer


@pytest.fixture
def before_training(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], Any]:
    """Run a training up to its first step and return the trainer."""

    def stop(trainer: Any, *args: Any) -> None:
        raise Stopped(trainer)

    def until(train: Callable[[], Any]) -> Any:
        monkeypatch.setattr("synthfr.training.common.run", stop)
        with pytest.raises(Stopped) as stopped:
            train()
        return stopped.value.trainer

    return until
