"""LangChain's chat-model suite through the proxy fails nothing that it passes against the same upstream directly."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wardround.middleware.cli.scripted_app import build_app

SUITE = Path(__file__).parent.parent / "support" / "langchain_suite.py"


@pytest.fixture
def scripted_app(serve: Callable[[Any], str]) -> str:
    """The scripted clinical app as an upstream."""
    return serve(build_app()) + "/v1"


def _run(base_url: str, report: Path) -> dict[str, str]:
    command = [sys.executable, "-m", "pytest", str(SUITE), "-q", f"--junitxml={report}", "-p", "no:cacheprovider"]
    environment = {**os.environ, "SUITE_BASE_URL": base_url, "LANGSMITH_TRACING": "false"}
    subprocess.run(  # noqa: S603 - our own test file
        [*command, "-W", "ignore"], env=environment, cwd=report.parent, capture_output=True, timeout=300, check=False
    )
    cases = ElementTree.parse(report).iter("testcase")  # noqa: S314 - written by the run above
    return {c.get("name", ""): _verdict(c) for c in cases}


def _verdict(case: ElementTree.Element) -> str:
    found = {child.tag for child in case}
    return "failed" if found & {"failure", "error"} else "skipped" if "skipped" in found else "passed"


def test_the_suite_passes_through_the_proxy_wherever_it_passes_directly(
    scripted_app: str, start_proxy: Callable[..., str], tmp_path: Path
) -> None:
    direct = _run(scripted_app, tmp_path / "direct.xml")
    proxied = _run(start_proxy(upstream_url=scripted_app), tmp_path / "proxied.xml")
    passes = {name for name, verdict in direct.items() if verdict == "passed"}

    assert len(passes) >= 20
    assert {name for name in passes if proxied.get(name) != "passed"} == set()
