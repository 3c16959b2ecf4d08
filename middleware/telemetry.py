"""Traces and metrics of rounds. Attributes carry names, counts and digests, never text."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

PROPAGATED = ("traceparent", "tracestate", "baggage")
"""W3C trace context and baggage headers, passed on untouched where nothing is traced."""
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The counters behind `/metrics`, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.rounds = Counter(
            "wardround_rounds", "Rounds that ended or were held", ["status", "action"], registry=self.registry
        )
        self.findings = Counter(
            "wardround_findings", "Findings by kind and severity", ["kind", "severity"], registry=self.registry
        )
        self.seconds = Histogram(
            "wardround_round_seconds", "Duration of a round, holding excluded", registry=self.registry, buckets=_BUCKETS
        )
        self.in_flight = Gauge("wardround_rounds_in_flight", "Rounds being worked on", registry=self.registry)
        self.agent_seconds = Histogram(
            "wardround_agent_seconds", "Time of one agent's look", ["agent"], registry=self.registry, buckets=_BUCKETS
        )
        self._agents: dict[str, Histogram] = {}
        self.held = Gauge("wardround_holds_open", "Held rounds that wait for a person", registry=self.registry)

    def agent_took(self, agent: str, seconds: float) -> None:
        """Count one agent's look."""
        if agent not in self._agents:
            self._agents[agent] = self.agent_seconds.labels(agent)
        self._agents[agent].observe(seconds)

    def render(self) -> bytes:
        """Prometheus text format."""
        return generate_latest(self.registry)


@dataclass(frozen=True, slots=True)
class Trace:
    """Tracing of one round: how its nodes open spans, and what goes to the upstream."""

    trace_id: str | None
    """32 hex digits; None where nothing is traced and the client sent no context."""
    span: Callable[[str], AbstractContextManager[Span | None]]
    """Opens the span of a node."""
    headers: tuple[tuple[str, str], ...]
    """Trace context for the upstream."""


class Telemetry:
    """Opens one trace per round when an OTLP endpoint is configured; passes the client's context on otherwise."""

    def __init__(self, otlp_endpoint: str | None, *, exporter: Any = None, processor: Any = None) -> None:
        self.metrics = Metrics()
        self._provider: TracerProvider | None = None
        if otlp_endpoint or exporter is not None:
            self._provider = _provider(otlp_endpoint, exporter, processor)

    @contextmanager
    def round(self, round_id: str, model: str, headers: Mapping[str, str]) -> Generator[Trace]:
        """The trace of one round, child of the client's span where it sent one."""
        passed = tuple((k, headers[k]) for k in PROPAGATED if k in headers)
        if self._provider is None:
            parent = headers.get("traceparent", "").split("-")
            trace_id = parent[1] if len(parent) == 4 else None
            yield Trace(trace_id, lambda _name: nullcontext(), passed)
            return
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        propagator = TraceContextTextMapPropagator()
        tracer = self._provider.get_tracer("wardround")
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "wardround",
            "gen_ai.request.model": model,
            "wardround.round_id": round_id,
        }
        context = propagator.extract(dict(headers))
        with tracer.start_as_current_span("invoke_agent wardround", context, attributes=attributes) as root:
            carrier: dict[str, str] = {}
            propagator.inject(carrier)
            parent_context = trace.set_span_in_context(root)

            def span(name: str) -> AbstractContextManager[Span]:
                return tracer.start_as_current_span(
                    *_named(name, model), record_exception=False, context=parent_context
                )

            trace_id = format(root.get_span_context().trace_id, "032x")
            yield Trace(trace_id, lambda name: _node(span(name), name, model), tuple(carrier.items()))

    def close(self) -> None:
        """Export what is left."""
        if self._provider is not None:
            self._provider.shutdown()


def _named(name: str, model: str) -> tuple[str]:
    return (f"chat {model}" if name == "drafting" else f"invoke_agent {name}",)


@contextmanager
def _node(opened: AbstractContextManager[Span], name: str, model: str) -> Generator[Span]:
    with opened as span:
        span.set_attribute("gen_ai.operation.name", "chat" if name == "drafting" else "invoke_agent")
        span.set_attribute("gen_ai.agent.name", name)
        if name == "drafting":
            span.set_attribute("gen_ai.request.model", model)
        yield span


def _provider(endpoint: str | None, exporter: Any, processor: Any) -> TracerProvider:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if exporter is None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        url = (endpoint or "").rstrip("/")
        exporter = OTLPSpanExporter(endpoint=url if url.endswith("/v1/traces") else f"{url}/v1/traces")
    provider = TracerProvider(resource=Resource.create({"service.name": "wardround"}))
    provider.add_span_processor((processor or BatchSpanProcessor)(exporter))
    return provider
