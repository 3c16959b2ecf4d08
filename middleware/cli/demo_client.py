"""The demo's client: the real `openai` package with only its base URL changed, and what it got told plainly."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from .demo_story import Got

if TYPE_CHECKING:
    from .demo_cases import DemoCase

MODEL = "scripted-clinician"
_TIMEOUT_S = 20.0


class DemoClient:
    """Asks through the proxy and reads rounds back."""

    def __init__(self, openai: AsyncOpenAI, http: httpx.AsyncClient) -> None:
        self._openai = openai
        self._http = http

    @classmethod
    @asynccontextmanager
    async def open(cls, address: str) -> AsyncGenerator[DemoClient, None]:
        """A client of the proxy at an address; no proxy server of the environment comes between."""
        http = DefaultAsyncHttpxClient(trust_env=False)
        async with (
            AsyncOpenAI(base_url=f"{address}/v1", api_key="demo", http_client=http, max_retries=0) as openai,
            httpx.AsyncClient(base_url=address, trust_env=False, timeout=_TIMEOUT_S) as reader,
        ):
            yield cls(openai, reader)

    async def ask(self, case: DemoCase) -> Got:
        """Send a case's request and take its answer, streamed where the case says so."""
        began = time.perf_counter()
        got = await (self._streamed(case) if case.stream else self._whole(case))
        return replace(got, elapsed_ms=1000 * (time.perf_counter() - began))

    async def _whole(self, case: DemoCase) -> Got:
        answer = await self._openai.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": case.ask}],
            extra_body={"wardround": case.about},
            timeout=_TIMEOUT_S,
        )
        about: Mapping[str, Any] = (answer.model_extra or {})["wardround"]
        return _got(about, answer.choices[0].message.content or "")

    async def _streamed(self, case: DemoCase) -> Got:
        texts: list[str] = []
        about: Mapping[str, Any] = {}
        stream = await self._openai.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": case.ask}],
            extra_body={"wardround": case.about},
            timeout=_TIMEOUT_S,
            stream=True,
        )
        async for chunk in stream:
            texts += [choice.delta.content for choice in chunk.choices if choice.delta.content]
            about = (chunk.model_extra or {}).get("wardround") or about
        return _got(about, "".join(texts), pieces=len(texts))

    async def read(self, round_id: str) -> Got:
        """What `GET /v1/rounds/{id}` says."""
        answer = await self._http.get(f"/v1/rounds/{round_id}")
        answer.raise_for_status()
        found: Mapping[str, Any] = answer.json()
        return _got(found, found.get("answer") or found.get("message") or "")


def _got(about: Mapping[str, Any], text: str, pieces: int = 0) -> Got:
    return Got(
        round_id=about["round_id"],
        status=about["status"],
        action=about["action"],
        text=text,
        findings=about.get("findings") or (),
        citations=about.get("citations") or (),
        pieces=pieces,
    )
