"""What an operator decides: one typed `wardround.yaml`, every key overridable by `WARDROUND_*`."""

from __future__ import annotations

import difflib
import ipaddress
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, SecretStr, TypeAdapter, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from wardround.policies.errors import SettingsError

PREFIX = "WARDROUND_"
_TOP_LEVEL = TypeAdapter(dict[str, Any])


class Settings(BaseSettings):
    """Read once at start; `wardround doctor` prints it with secrets hidden."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, use_attribute_docstrings=True, env_ignore_empty=True
    )

    host: str = "127.0.0.1"
    """Address to listen on. Any other than a loopback address needs API keys."""
    port: int = Field(default=8400, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""
    upstream_url: str | None = None
    """Base URL of the OpenAI-compatible upstream, for example `https://llm.example.org/v1`. Without one, answers come
    from the evidence sent along alone."""
    upstream_api_key: SecretStr | None = None
    """Key for the upstream. Without one the client's own `Authorization` header is passed on, on loopback only."""
    data_dir: Path = Path("~/.local/share/wardround")
    """Where the embedded database lives."""
    database_url: SecretStr | None = None
    """PostgreSQL URL; without one the embedded server in `data_dir` serves."""
    policy: str = "wardround/default"
    """Policy of keyless requests: a pack name or the path of a YAML file."""
    require_key: bool = False
    """Refuse requests without an API key also on loopback."""
    otlp_endpoint: str | None = None
    """OTLP/HTTP endpoint for traces; nothing is traced without one."""
    log_level: str = "info"
    """`debug`, `info`, `warning` or `error`."""
    max_body_bytes: int = Field(default=8_000_000, ge=1_000)
    """Larger requests are refused with 413, bytes."""
    max_rounds: int = Field(default=512, ge=1)
    """Rounds in flight at once; more are refused with 503 and Retry-After."""
    max_wait_s: float = Field(default=600.0, ge=0)
    """Upper bound of a request's `wait_seconds`, seconds."""
    drain_s: float = Field(default=30.0, ge=0)
    """How long running rounds may finish after SIGTERM, seconds."""
    audit_deadline_s: float = Field(default=5.0, gt=0)
    """How long a round waits for its durable record before the answer is refused, seconds."""
    keepalive_s: float = Field(default=10.0, gt=0)
    """Silence after which a stream sends an SSE comment, seconds."""

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.lower() not in {"debug", "info", "warning", "error"}:
            raise ValueError("one of debug, info, warning, error")
        return value.lower()

    @field_validator("data_dir")
    @classmethod
    def _expanded(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("upstream_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("a URL that starts with http:// or https://")
        return value.rstrip("/") if value else None

    @property
    def drug_tables(self) -> Path:
        """Folder of imported drug tables, one sub-folder a source."""
        return self.data_dir / "drugs"

    @cached_property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the proxy."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def keyless(self) -> bool:
        """Whether a request without an API key is served."""
        return self.on_loopback and not self.require_key

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over what is passed in: `load_settings` passes the file's keys."""
        return (env_settings, init_settings)


class _Explicit(Settings):
    """Settings as passed in, whatever the environment says: for options of the command line, which outrank it."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def load_settings(file: Path | None = None, **overrides: Any) -> Settings:
    """Settings from `wardround.yaml` (or `file`), the environment and explicit overrides, weakest first.

    Raises `SettingsError`, one line, for a missing or broken file, an unknown key or variable, or a wrong value.
    """
    path = file or (Path("wardround.yaml") if Path("wardround.yaml").is_file() else None)
    given = {k: v for k, v in overrides.items() if v is not None}
    values = _read(path) if path else {}
    _refuse_unknown(values, str(path))
    _refuse_unknown(
        {k[len(PREFIX) :].lower(): v for k, v in os.environ.items() if k.startswith(PREFIX)}, "the environment", PREFIX
    )
    try:
        settings = Settings(**values)
        return _Explicit(**(settings.model_dump() | given)) if given else settings
    except ValidationError as error:
        raise SettingsError(_one_line(error, path)) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        loaded: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f":{where.line + 1}" if where else ""
        raise SettingsError(f"{path}{line}: not valid YAML: {getattr(error, 'problem', error)}") from error
    if loaded is None:
        return {}
    try:
        return _TOP_LEVEL.validate_python(loaded)
    except ValidationError as error:
        raise SettingsError(f"{path}: expected `key: value` lines at the top level") from error


def _refuse_unknown(values: dict[str, Any], where: str, prefix: str = "") -> None:
    for key in values:
        if key not in Settings.model_fields:
            near = difflib.get_close_matches(key, Settings.model_fields, n=1)
            shown = f"{prefix}{key.upper()}" if prefix else key
            meant = f"; did you mean {prefix + near[0].upper() if prefix else near[0]!r}?" if near else ""
            raise SettingsError(f"{where}: unknown setting {shown}{meant}")


def _one_line(error: ValidationError, path: Path | None) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    key = ".".join(str(p) for p in first["loc"])
    return f"setting {key!r}: {first['msg']} (set in {path or 'the environment'} or {PREFIX}{key.upper()})"
