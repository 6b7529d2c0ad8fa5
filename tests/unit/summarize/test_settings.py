from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from vidmesh_summarize.settings import SummarizeSettings


def settings(**values: Any) -> SummarizeSettings:
    return SummarizeSettings(
        database_url="postgresql://x/y",
        nats_url="nats://127.0.0.1:1",
        media_url="file:///x",
        jwks_path=Path("x"),
        data_dir=Path("y"),
        **values,
    )


def test_auto_takes_the_language_model_where_one_is_set() -> None:
    assert not settings().uses_language_model
    assert settings(llm_base_url="http://x/v1", llm_model="m").uses_language_model
    assert not settings(
        llm_base_url="http://x/v1", llm_model="m", summarizer="extractive"
    ).uses_language_model


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"summarizer": "llm"}, "VIDMESH_LLM_BASE_URL"),
        ({"llm_base_url": "http://x/v1"}, "VIDMESH_LLM_MODEL"),
        ({"llm_context_tokens": 2048, "llm_answer_tokens": 2000}, "VIDMESH_LLM_ANSWER_TOKENS"),
        ({"llm_context_tokens": 10}, "llm_context_tokens"),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        settings(**values)


def test_the_key_is_not_shown() -> None:
    assert "hunter2" not in repr(settings(llm_api_key="hunter2"))
