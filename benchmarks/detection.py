"""How well the safety detectors tell hazards from benign texts: recall, false alarms, ROC, calibration, latency.

    python benchmarks/detection.py DATA_DIR -o REPORT_DIR [--latency]

DATA_DIR is the folder of the public data sets that the model card names; only texts that shaped no weight are measured,
and a set of benign health questions that never shapes any. Needs the extra `bench` (matplotlib) and scikit-learn.
REPORT_DIR gets report.html, which opens offline, report.json and the pictures. No text of a data set is in them.
"""

from __future__ import annotations

import argparse
import base64
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, brier_score_loss, precision_recall_curve, roc_auc_score, roc_curve

from wardround.agents.safety.agent import DETECTORS, without_encoder
from wardround.agents.safety.detector import reading
from wardround.agents.safety.encoder import Encoder
from wardround.agents.safety.heads import heads, judge
from wardround.agents.safety.phi import identifiers
from wardround.agents.safety.trained import cared_for
from wardround.alignment import gather, sources
from wardround.alignment.examples import HEADS, Example
from wardround.alignment.levels import case_of, level
from wardround.policies.finding import Severity

BENIGN = "safety/benign_health.jsonl.gz"
BENIGN_TEXTS = 1500
ASKED = frozenset({"crisis", "harmful", "injection", "emergency"})
"""Heads that read what a person asks, and so are asked about benign questions."""
PHI_TEXTS = {"synthetic_sentences": 400, "meddocan_es": 60}
NOT_IDENTIFIERS = frozenset(
    {"EDAD_SUJETO_ASISTENCIA", "SEXO_SUJETO_ASISTENCIA", "PROFESION", "FAMILIARES_SUJETO_ASISTENCIA", "TITLE", "PREFIX",
     "OTROS_SUJETO_ASISTENCIA"}
)  # fmt: skip
DRAFT = " ".join(
    f"Point {n}: take one tablet on day {n} with {n + 1} sips of water and call the clinic if the ankle swells again."
    for n in range(30)
)


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("benchmarks/out/detection"))
    parser.add_argument("--latency", action="store_true", help="latency alone")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = {"latency_ms": latency()}
    print(json.dumps(report["latency_ms"], indent=1))
    if given.latency:
        return
    examples = [e for e in gather.everything(given.data) if e.part == "measure"]
    benign = [r["text"] for r in sources.rows(given.data, BENIGN)[:: 7293 // BENIGN_TEXTS]]
    report["heads"] = {name: measured(name, examples, benign, given.out) for name in HEADS}
    report["phi"] = identifiers_found(examples, given.data)
    (given.out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (given.out / "report.html").write_text(page(report, given.out), encoding="utf-8")
    print(f"{given.out}/report.html")


def measured(name: str, examples: Sequence[Example], benign: Sequence[str], out: Path) -> dict[str, Any]:
    """Figures of one head with its rules, and its pictures."""
    known = [e for e in examples if name in e.labels]
    levels = [level(name, e.text) for e in known]
    p = np.array([judge(name, e.text, _severity(x)).probability for e, x in zip(known, levels, strict=True)])
    y = np.array([e.labels[name] for e in known])
    flagged = (p >= heads().heads[name].sure) | np.array([_stops(x) for x in levels])
    if name == "care":  # where the head may overrule a phrase
        flagged = np.array([cared_for(e.text) for e in known])
    own = np.array([e.source in {f"corpus/{name}", f"messages/{name}"} for e in known])
    alarms = [t for t in benign if _flags(name, t)] if name in ASKED else []
    draw(name, y, p, out)
    return {
        "texts": len(y),
        "hazards": int(y.sum()),
        "recall": interval(flagged[y == 1]),
        "specificity": interval(~flagged[y == 0]),
        "near_misses_left_alone": interval(~flagged[(y == 0) & own]),
        "precision": interval(y[flagged] == 1),
        "roc_auc": round(float(roc_auc_score(y, p)), 4),
        "average_precision": round(float(average_precision_score(y, p)), 4),
        "brier": round(float(brier_score_loss(y, p)), 4),
        "false_alarms_per_1000_benign_health_questions": round(1000 * len(alarms) / len(benign), 2)
        if name in ASKED
        else "",
        "by_language": {x: interval(flagged[(y == 1) & _of(known, x)]) for x in sorted({e.language for e in known})},
        "by_source": {s: _both(flagged, y, np.array([e.source == s for e in known])) for s in _sources(known)},
    }


def _sources(known: Sequence[Example]) -> list[str]:
    return sorted({e.source for e in known})


def _of(known: Sequence[Example], language: str) -> Any:
    return np.array([e.language == language for e in known])


def _both(flagged: Any, y: Any, mine: Any) -> dict[str, Any]:
    return {"flagged": interval(flagged[mine & (y == 1)]), "benign_flagged": interval(flagged[mine & (y == 0)])}


def _severity(name: str) -> Severity | None:
    return None if name == "none" else Severity(name)


def _stops(name: str) -> bool:
    return name in {"major", "contraindicated"}


def _flags(name: str, text: str) -> bool:
    found = level(name, text)
    return _stops(found) or judge(name, text, _severity(found)).probability >= heads().heads[name].sure


def interval(hits: Any) -> str | None:
    """Share with its 95% Wilson interval; None of nothing."""
    n, k = len(hits), int(np.sum(hits))
    if not n:
        return None
    ci = binomtest(k, n).proportion_ci(method="wilson")
    return f"{k / n:.3f} ({ci.low:.3f} to {ci.high:.3f}; {k} of {n})"


def draw(name: str, y: Any, p: Any, out: Path) -> None:
    """ROC, precision and recall, calibration, side by side."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    fpr, tpr, _ = roc_curve(y, p)
    axes[0].plot(fpr, tpr, color="#1f4e79")
    axes[0].set(xlabel="benign flagged", ylabel="hazards flagged", title="ROC", xlim=(0, 0.3), ylim=(0, 1.01))
    precision, recall, _ = precision_recall_curve(y, p)
    axes[1].plot(recall, precision, color="#1f4e79")
    axes[1].set(xlabel="recall", ylabel="precision", title="Precision and recall", xlim=(0, 1.01), ylim=(0, 1.01))
    weights = np.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    at = np.random.default_rng(0).choice(len(y), 20_000, p=weights / weights.sum())
    told, seen = calibration_curve(y[at], p[at], n_bins=10, strategy="uniform")
    axes[2].plot([0, 1], [0, 1], color="#999999", linestyle="--")
    axes[2].plot(seen, told, marker="o", color="#1f4e79")
    axes[2].set(xlabel="stated probability", ylabel="frequency", title="Calibration, both kinds alike")
    for axis in axes:
        axis.grid(alpha=0.3)
    figure.suptitle(name)
    figure.savefig(out / f"{name}.png", dpi=110)
    plt.close(figure)


def identifiers_found(examples: Sequence[Example], data: Path) -> dict[str, Any]:
    """Characters of identifiers found, and what else was marked: rules alone and with the tagger."""
    report: dict[str, Any] = {}
    for source, most in PHI_TEXTS.items():
        texts = [e for e in examples if e.source == source][:most]
        for how, tagger in (("rules", False), ("rules and tagger", True)):
            report[f"{source}, {how}"] = _characters(texts, tagger=tagger)
    answers = [r["answer"] for r in sources.rows(data, "safety/medquad_open.jsonl.gz")[5:5000:33]]
    marked = sum(h.end - h.start for a in answers for h in identifiers(reading("draft", a), tagger=True))
    report["characters marked per 1,000 of public health answers"] = round(1000 * marked / sum(map(len, answers)), 3)
    return report


def _characters(texts: Sequence[Example], *, tagger: bool) -> dict[str, float]:
    wanted = found = marked = wrong = 0
    for e in texts:
        real, seen = bytearray(len(e.text)), bytearray(len(e.text))
        any_span = bytearray(len(e.text))
        for start, end, kind in e.spans:
            any_span[start:end] = b"\1" * (end - start)
            if kind not in NOT_IDENTIFIERS:
                real[start:end] = b"\1" * (end - start)
        for hit in identifiers(reading("draft", e.text), tagger=tagger):
            seen[hit.start : hit.end] = b"\1" * (hit.end - hit.start)
        wanted, marked = wanted + sum(real), marked + sum(seen)
        found += sum(r & s for r, s in zip(real, seen, strict=True))
        wrong += sum(s & ~a & 1 for s, a in zip(seen, any_span, strict=True))
    return {"recall": round(found / wanted, 4), "precision": round(1 - wrong / marked, 4), "texts": len(texts)}


def latency() -> dict[str, Any]:
    """A draft of 2,000 characters and a request of 200 through all detectors, one core, nothing read before."""
    made = tuple(make() for make in DETECTORS)
    rules = tuple(map(without_encoder, made))
    texts = {"draft of 2,000 characters": DRAFT[:2000], "request of 200 characters": DRAFT[:200]}
    found: dict[str, Any] = {}
    for what, text in texts.items():
        cases = [case_of("crisis", text), case_of("crisis", "Hello.").model_copy(update={"draft": text})]
        case = cases[1] if what.startswith("draft") else cases[0]
        found[f"{what}, rules"] = _times(lambda c=case: _all(rules, c))
        reader = Encoder()
        found[f"{what}, encoder"] = _times(lambda r=reader, t=text: (r.forget(), r.see([t])))
    return found


def _all(detectors: Any, case: Any) -> None:
    for detector in detectors:
        detector.check(case) if case.draft is not None else detector.screen(case)


def _times(work: Any) -> dict[str, float]:
    work()
    took: list[float] = []
    for _ in range(40):
        begun = time.perf_counter()
        work()
        took.append((time.perf_counter() - begun) * 1000)
    return {"p50": round(statistics.median(took), 2), "p95": round(sorted(took)[37], 2)}


def page(report: dict[str, Any], out: Path) -> str:
    """The report as one page."""
    parts = [_HEAD, "<h1>Detection</h1>", "<h2>Latency, milliseconds</h2>", _table(report["latency_ms"])]
    for name, figures in report["heads"].items():
        picture = base64.b64encode((out / f"{name}.png").read_bytes()).decode()
        plain = {k: v for k, v in figures.items() if not isinstance(v, dict)}
        parts += [f"<h2>{name}</h2>", _table({"": plain}), f'<img alt="curves" src="data:image/png;base64,{picture}">']
        parts += ["<h3>Recall by language</h3>", _table({"": figures["by_language"]})]
        parts += ["<h3>By source</h3>", _table(figures["by_source"])]
    phi = {k: v for k, v in report["phi"].items() if isinstance(v, dict)}
    parts += ["<h2>Identifiers, by character</h2>", _table(phi)]
    parts += [f"<p>{k}: {v}</p>" for k, v in report["phi"].items() if not isinstance(v, dict)]
    return "\n".join(parts)


_HEAD = """<!doctype html><meta charset="utf-8"><title>Detection</title>
<style>body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}
table{border-collapse:collapse;margin:.5rem 0}td,th{border:1px solid #ccc;padding:.25rem .6rem;text-align:left}
th{background:#f2f4f7}img{max-width:100%}</style>"""


def _table(rows: dict[str, dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(c for r in rows.values() for c in r))
    head = "".join(f"<th>{c.replace('_', ' ')}</th>" for c in ["", *columns])
    body = "".join(
        f"<tr><th>{k}</th>" + "".join(f"<td>{'' if r.get(c) is None else r[c]}</td>" for c in columns) + "</tr>"
        for k, r in rows.items()
    )
    return f"<table><tr>{head}</tr>{body}</table>"


if __name__ == "__main__":
    main()
