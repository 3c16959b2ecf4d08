"""Files of trained weights: checked by digest before they are loaded, run by onnxruntime, offline."""

from __future__ import annotations

import hashlib
import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

from wardround.policies.errors import WardroundError

_ROOMS = Path(__file__).parent.parent


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked(folder: Path, name: str) -> Path:
    """The path of a file whose digest is the one in `digests.json` beside it; else raises `WardroundError`."""
    shown = _shown(folder / name)
    try:
        digests: dict[str, str] = json.loads((folder / "digests.json").read_text(encoding="utf-8"))
        same = digest(folder / name) == digests[name]
    except (OSError, ValueError, KeyError) as error:
        raise WardroundError(f"{shown} cannot be read: install wardround again") from error
    if not same:
        raise WardroundError(f"{shown} is not the file that was released: install wardround again")
    return folder / name


def silent_runtime() -> Any:
    """onnxruntime with its reporting to its maker off: that is decided, for good, when it is first loaded."""
    os.environ |= {"ORT_DISABLE_TELEMETRY": "1", "ORT_TELEMETRY_DISABLED": "1"}
    return import_module("onnxruntime")


def session(path: Path) -> Any:
    """A session on one core; several threads may run it at once."""
    runtime = silent_runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _shown(path: Path) -> str:
    """A path below the rooms without what is above them."""
    return str(path.relative_to(_ROOMS)) if path.is_relative_to(_ROOMS) else path.name
