"""The only caller of models: the configured upstream through openai over aiohttp, every other provider through litellm.

Bodies travel as plain dicts, unknown fields included; no answer is parsed into a model of openai's.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import aiohttp
import httpx
import orjson
from httpx_sse import EventSource, SSEError

from wardround.agents.ports import ModelAnswer, ModelCall
from wardround.policies.errors import InputError, UpstreamError

from .upstream_http import TRAIL, AiohttpClient, TooLargeError
from .upstream_litellm import arguments_of, body_of, chunks_of, error_of, pause_s, worth_retrying

T = TypeVar("T")

if TYPE_CHECKING:
    from openai import AsyncOpenAI

RAW_TIMEOUT_S = 60.0
"""Deadline of a call that is passed through unread, such as `/v1/models` and `/v1/embeddings`, seconds."""
DRAIN_S = 0.05
"""How long a finished stream may take to end its HTTP body, so that the connection can be used again, seconds."""

_FALLS_BACK = frozenset({404, 408, 429})
"""Client errors that another model may not have; all others are the client's own."""
_OURS = frozenset(
    {"accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "cookie", "host"}
)
_OF_CONNECTION = frozenset(
    {"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding", "set-cookie"}
)


@dataclass(frozen=True, slots=True)
class UpstreamConfig:
    """Where the configured upstream is and how it is reached."""

    base_url: str | None = None
    """Base URL with the version, for example `https://llm.example.org/v1`; None: only litellm's providers."""
    api_key: str | None = field(default=None, repr=False)
    """Key sent as bearer token; None sends none."""
    forward_authorization: bool = False
    """Send the client's own Authorization header, where there is one, in place of `api_key`."""
    connect_timeout_s: float = 5.0
    """Deadline for opening a connection, seconds."""
    max_connections: int = 1000
    """Connections open at once; more calls wait."""


class RawAnswer(NamedTuple):
    """An answer passed through unread."""

    status: int
    headers: Mapping[str, str]
    """Without those that belong to one connection; names in lower case."""
    body: bytes


class Upstream:
    """`ModelClient` of the round. One per event loop; openai and litellm are imported at first use."""

    def __init__(self, config: UpstreamConfig) -> None:
        self._config = config
        self._link: _Link | None = None
        self._litellm: Any = None

    async def open(self) -> None:
        """Import and connect what the first call would otherwise wait for (about a second)."""
        if self._config.base_url is None or self._link is not None:
            return
        await asyncio.to_thread(importlib.import_module, "openai")
        if cast("_Link | None", self._link) is None:  # another call may have been faster
            self._link = _openai_link(self._config, self._config.base_url)

    async def aclose(self) -> None:
        """Close all connections; running calls fail."""
        link, self._link = self._link, None
        if link is not None:
            await link.client.close()

    async def complete(self, call: ModelCall) -> ModelAnswer:
        """A whole answer from the first model that gives one. Raises `UpstreamError`."""

        async def whole(model: str) -> Mapping[str, Any]:
            if self._is_configured(model, call):
                answer = await self._chat(call, model, stream=False)
                return _object(answer.content, "answer")
            return body_of(await self._ask_litellm(call, model, stream=False))

        body, model, attempts = await _first(call, whole)
        return ModelAnswer(body, model, attempts)

    async def stream(self, call: ModelCall) -> Stream:
        """A streamed answer from the first model that starts one. Raises `UpstreamError`, also while it is read."""

        async def started(model: str) -> Stream:
            if self._is_configured(model, call):
                answer = await self._chat(call, model, stream=True)
                return Stream(model, _sse_chunks(answer), answer.aclose)
            wrapper = await self._ask_litellm(call, model, stream=True)
            return Stream(model, chunks_of(wrapper, call.timeout_s), wrapper.aclose)

        stream, _, _ = await _first(call, started)
        return stream

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> RawAnswer:
        """GET a path of the configured upstream, such as `/models`; any status comes back as it is."""
        return await self._raw("get", path, None, headers or {})

    async def post_raw(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> RawAnswer:
        """POST JSON bytes to a path of the configured upstream, such as `/embeddings`; any status comes back."""
        return await self._raw("post", path, body, headers or {})

    def _is_configured(self, model: str, call: ModelCall) -> bool:
        """Whether the configured upstream serves this model: a bare name, `openai/…`, or what the body named."""
        if self._config.base_url is None:
            return False
        return not call.models or "/" not in model or model.startswith("openai/")

    async def _ready(self) -> _Link:
        if self._link is None:
            await self.open()
        if self._link is None:
            raise UpstreamError("no upstream is configured: set upstream_url, or name the model as provider/name")
        return self._link

    async def _chat(self, call: ModelCall, model: str, *, stream: bool) -> httpx.Response:
        link = await self._ready()
        name = model.removeprefix("openai/") if call.models else model
        body = call.body if call.body.get("model") == name or not name else {**call.body, "model": name}
        options: Any = {
            "headers": _headers(self._config, call.headers),
            "timeout": call.timeout_s,
            "max_retries": call.retries,
        }
        url = _url(self._config, "/chat/completions")
        with _translated():
            return await link.client.post(
                url, content=_dumps(body), cast_to=httpx.Response, options=options, stream=stream
            )

    async def _raw(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> RawAnswer:
        link = await self._ready()
        known = {k: v for k, v in _headers(self._config, headers).items() if isinstance(v, str)}
        if self._config.api_key and "Authorization" not in known:
            known["Authorization"] = f"Bearer {self._config.api_key}"
        known["Content-Type"] = "application/json"
        request = link.wire.build_request(
            method, _url(self._config, path), content=body, headers=known, timeout=RAW_TIMEOUT_S
        )
        with _translated():
            answer = await link.wire.send(request)
        kept = {k: v for k, v in answer.headers.items() if k not in _OF_CONNECTION}
        return RawAnswer(answer.status_code, kept, answer.content)

    async def _ask_litellm(self, call: ModelCall, model: str, *, stream: bool) -> Any:
        if self._litellm is None:
            self._litellm = await asyncio.to_thread(_import_litellm)
        arguments = arguments_of(call, model, stream=stream)
        trail = TRAIL.get()
        for tried in range(call.retries + 1):
            try:
                async with asyncio.timeout(call.timeout_s):
                    return await self._litellm.acompletion(**arguments)
            except Exception as error:  # noqa: BLE001  each provider raises its own; none may cross this border
                failure = error_of(error)
                if trail is not None:
                    trail.append(type(error).__name__)
            if tried == call.retries or not worth_retrying(failure):
                raise failure
            await asyncio.sleep(pause_s(failure, tried))
        raise AssertionError("unreachable")


class Stream:
    """A streamed answer: chunks as plain dicts. Reading raises `UpstreamError` when it breaks off."""

    def __init__(
        self, model: str, chunks: AsyncGenerator[Mapping[str, Any], None], close: Callable[[], Awaitable[None]]
    ) -> None:
        self.model = model
        self._chunks = chunks
        self._close = close

    def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        return self._chunks

    async def aclose(self) -> None:
        """Stop the upstream; a second call does nothing."""
        await self._close()
        with contextlib.suppress(RuntimeError):  # another task is still reading: the closed connection ends it
            await self._chunks.aclose()


async def _first(call: ModelCall, ask: Callable[[str], Awaitable[T]]) -> tuple[T, str, tuple[str, ...]]:
    """The first model's answer, its name, and a line for each attempt that failed before."""
    failed: list[str] = []
    models = call.models or (str(call.body.get("model") or ""),)
    for model in models:
        trail: list[str] = []
        token = TRAIL.set(trail)
        try:
            value = await ask(model)
        except UpstreamError as error:
            if model is models[-1] or not (error.status in _FALLS_BACK or error.status >= 500):
                raise
            failed += [f"{model}: {line}" for line in trail or [f"status {error.status}"]]
            continue
        finally:
            TRAIL.reset(token)
        return value, model, (*failed, *(f"{model}: {line}" for line in trail))
    raise AssertionError("unreachable")


async def _sse_chunks(answer: httpx.Response) -> AsyncGenerator[Mapping[str, Any], None]:
    """Chunks of an SSE body, split at any byte. Ends with `[DONE]`, or with the body once every choice finished."""
    answer.encoding = "utf-8"
    seen: set[object] = set()
    finished: set[object] = set()
    with _translated():
        events = EventSource(answer).aiter_sse()
        async for event in events:
            if event.data == "[DONE]":
                await _drain(events)
                return
            if not event.data:
                continue
            chunk = _object(event.data, "stream")
            if event.event == "error" or (chunk.get("error") and not chunk.get("choices")):
                raise _stream_error(chunk, event.data)
            for choice in chunk.get("choices") or ():
                seen.add(choice.get("index"))
                if choice.get("finish_reason"):
                    finished.add(choice.get("index"))
            yield chunk
    if not seen or seen - finished:
        raise UpstreamError("the upstream ended its stream before the answer was complete")


async def _drain(events: AsyncIterator[object]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            async for _ in events:
                pass


class _Link(NamedTuple):
    client: AsyncOpenAI
    wire: AiohttpClient


def _openai_link(config: UpstreamConfig, base_url: str) -> _Link:
    import openai

    class Client(openai.AsyncOpenAI):
        """Without headers that describe this machine, and without those that the environment would add."""

        @property
        def default_headers(self) -> dict[str, str | openai.Omit]:
            return {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "wardround"}

    def final(request: httpx.Request, error: Exception) -> Exception:
        if isinstance(error, TimeoutError):
            return openai.APITimeoutError(request=request)
        return openai.APIError("the upstream's answer is too large", request, body=None)

    logging.getLogger("openai").setLevel(logging.INFO)  # its debug log holds prompts
    wire = AiohttpClient(
        max_connections=config.max_connections, connect_timeout_s=config.connect_timeout_s, final=final
    )
    return _Link(Client(base_url=base_url, api_key=config.api_key or "none", http_client=wire), wire)


def _headers(config: UpstreamConfig, given: Mapping[str, str]) -> dict[str, Any]:
    """The call's headers for the upstream, with whose key the operator decided."""
    import openai

    headers: dict[str, Any] = {k: v for k, v in given.items() if k.lower() not in _OURS}
    own = next((v for k, v in given.items() if k.lower() == "authorization"), None)
    if config.forward_authorization and own:
        headers["Authorization"] = own
    elif not config.api_key:
        headers["Authorization"] = openai.Omit()
    return headers


def _url(config: UpstreamConfig, path: str) -> str:
    return f"{(config.base_url or '').rstrip('/')}/{path.lstrip('/')}"


def _dumps(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body, default=_plain)
    except TypeError as error:
        raise InputError(f"the request body cannot be written as JSON: {error}") from error


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, object]", value))
    raise TypeError(f"{type(value).__name__} is not JSON")


def _object(data: bytes | str, what: str) -> Mapping[str, Any]:
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UpstreamError(f"the upstream's {what} is not JSON") from error
    if not isinstance(parsed, dict):
        raise UpstreamError(f"the upstream's {what} is not a JSON object")
    return cast("Mapping[str, Any]", parsed)


def _stream_error(chunk: Mapping[str, Any], data: str) -> UpstreamError:
    error: object = chunk.get("error")
    code: object = cast("Mapping[str, object]", error).get("code") if isinstance(error, Mapping) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 502
    return UpstreamError("the upstream broke off its stream with an error", status=status, body=data.encode())


@contextlib.contextmanager
def _translated() -> Generator[None]:
    """No error of openai, httpx or aiohttp leaves this module. An upstream's own error is not chained: it may quote
    the prompt, and a chained exception is printed in logs."""
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        raise _status_error(error.response) from None
    except (openai.APITimeoutError, httpx.TimeoutException, TimeoutError) as error:
        raise UpstreamError("the upstream gave no answer in time", status=504) from error
    except SSEError as error:
        raise UpstreamError("the upstream did not answer with a stream of events") from error
    except (openai.APIConnectionError, httpx.HTTPError, aiohttp.ClientError, OSError) as error:
        reason = type(error.__cause__ or error).__name__
        raise UpstreamError(f"the upstream cannot be reached, or broke off its answer: {reason}") from error
    except (openai.OpenAIError, TooLargeError) as error:
        raise UpstreamError("the upstream's answer is too large") from error


def _status_error(answer: httpx.Response) -> UpstreamError:
    if answer.status_code < 400:
        return UpstreamError("the upstream redirects to another address: set upstream_url to the final one")
    return UpstreamError(
        f"the upstream answered with status {answer.status_code}",
        status=answer.status_code,
        body=answer.content,
        retry_after=answer.headers.get("retry-after"),
    )


def _import_litellm() -> Any:
    """litellm, kept from fetching its table of prices and from printing."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    litellm.suppress_debug_info = True
    for name in ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # its log holds prompts
    return litellm
