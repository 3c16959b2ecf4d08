"""The peers that Wardround is measured against: how each is installed, configured and started, loopback only.

`python benchmarks/peers.py setup` puts each into a virtual environment of its own below `benchmarks/out/`.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
PATTERN = r"\b\d{3}-\d{2}-\d{4}\b"
"""The one rule of every peer's rail: a social security number."""

REQUIREMENTS: Mapping[str, str] = {"litellm": "litellm[proxy]", "nemo": "nemoguardrails[server]"}

LITELLM_CONFIG = """\
model_list:
  - model_name: bench
    litellm_params: {{model: openai/bench, api_base: "{upstream}", api_key: none}}
guardrails:
  - guardrail_name: ssn
    litellm_params:
      guardrail: litellm_content_filter
      mode: [pre_call, post_call]
      default_on: true
      patterns:
        - {{pattern_type: regex, pattern: '{pattern}', name: ssn, action: BLOCK}}
litellm_settings: {{telemetry: false, num_retries: 0}}
"""

NEMO_CONFIG = """\
models:
  - {{type: main, engine: openai, model: bench, parameters: {{base_url: "{upstream}"}}}}
rails:
  config:
    regex_detection:
      input: {{patterns: ['{pattern}']}}
      output: {{patterns: ['{pattern}']}}
  input: {{flows: [regex check input]}}
  output:
    flows: [regex check output]
    streaming: {{enabled: true, chunk_size: 20, context_size: 5, stream_first: false}}
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to measure: a server with an OpenAI-compatible API."""

    name: str
    """Name in the report."""
    command: Sequence[str]
    """Started as it is; empty for the upstream itself."""
    url: str
    """Address of chat completions."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Added to the process environment."""


def litellm(upstream: str, port: int, folder: Path) -> Subject:
    """LiteLLM proxy with one regex guardrail, one worker, uvicorn."""
    config = folder / "litellm.yaml"
    config.write_text(LITELLM_CONFIG.format(upstream=upstream, pattern=PATTERN), encoding="utf-8")
    program = str(OUT / "litellm" / "bin" / "litellm")
    command = (program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1")
    quiet = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",  # keyless, as all subjects here; loopback only
    }
    return Subject("LiteLLM, 1 regex guardrail", command, f"http://127.0.0.1:{port}/v1/chat/completions", quiet)


def nemo(upstream: str, port: int, folder: Path) -> Subject:
    """NeMo Guardrails' IORails engine with a regex rail on input and on output, one worker."""
    configs = folder / "nemo" / "bench"
    configs.mkdir(parents=True, exist_ok=True)
    (configs / "config.yml").write_text(NEMO_CONFIG.format(upstream=upstream, pattern=PATTERN), encoding="utf-8")
    python = str(OUT / "nemo" / "bin" / "python")
    command = (python, str(HERE / "nemo_server.py"), str(configs.parent), "bench", str(port))
    quiet = {
        "NEMO_GUARDRAILS_IORAILS_ENGINE": "1",
        "NEMO_GUARDRAILS_NO_USAGE_STATS": "1",
        "NEMO_GUARDRAILS_DISABLE_CHAT_UI": "true",
        "OPENAI_API_KEY": "none",
    }
    return Subject("NeMo IORails, 2 regex rails", command, f"http://127.0.0.1:{port}/v1/chat/completions", quiet)


def installed(name: str) -> bool:
    """Whether a peer's environment is there."""
    return (OUT / name / "bin" / "python").exists()


def setup() -> None:
    """Install every peer that is missing; downloads a few hundred MB through pip's ordinary settings."""
    for name, requirement in REQUIREMENTS.items():
        if not installed(name):
            venv.create(OUT / name, with_pip=True)
        subprocess.run([OUT / name / "bin" / "pip", "install", "--quiet", requirement], check=True)  # noqa: S603


if __name__ == "__main__":
    if sys.argv[1:] != ["setup"]:
        sys.exit("usage: python benchmarks/peers.py setup")
    setup()
