"""LangChain's own integration suite for chat models, against the base URL in `SUITE_BASE_URL`."""

from __future__ import annotations

import os

from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests


class TestChatModel(ChatModelIntegrationTests):
    """The suite, with everything switched on that an OpenAI-compatible upstream may offer."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, object]:
        return {
            "model": "scripted-clinical",
            "base_url": os.environ["SUITE_BASE_URL"],
            "api_key": "none",
            "max_retries": 0,
            "stream_usage": True,
        }

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_json_mode(self) -> bool:
        return True
