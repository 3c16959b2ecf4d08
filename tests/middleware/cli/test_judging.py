"""`check`, `batch`, `audit`, `review` and `key` on a real database: drafts in, decisions out, every round on record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

Run = Callable[..., Any]

HOLD_ALL = """
policy: hold-all
version: 1
rules:
  - {id: everything, when: draft.text != "", then: escalate, to: pharmacist, reason: Everything is read here}
queues: {pharmacist: {respond_within: 1h}}
messages: {hold: A pharmacist reads this first., block: This cannot be answered.}
"""
BLOCK_AUDIENCE = """
policy: block-patients
version: 1
rules:
  - {id: patients, when: 'audience == "patient"', then: block}
  - {id: noted, when: 'draft.text.contains("note")', then: annotate}
messages: {block: This cannot be answered.}
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "block.yaml"
    path.write_text(BLOCK_AUDIENCE)
    return str(path)


def line(line_id: object, **fields: object) -> str:
    messages = [{"role": "user", "content": "Is rest good?"}]
    return json.dumps({"id": line_id, "messages": messages, **fields})


def batch_file(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def results(path: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in path.read_text().splitlines()]


def test_a_draft_that_may_go_out_is_exit_code_0(run: Run, policy: str) -> None:
    ran = run("check", "--text", "Rest helps.", "--request", "Is rest good?", "--policy", policy)
    assert ran.code == 0, ran.err
    assert "Goes out:\nRest helps." in ran.out


def test_a_stopped_draft_is_exit_code_1_and_says_what_the_client_gets(run: Run, policy: str) -> None:
    ran = run("check", "-", "--audience", "patient", "--policy", policy, stdin="Rest helps.")
    assert ran.code == 1
    assert "block by patients" in ran.out
    assert "This cannot be answered." in ran.out


def test_a_checked_draft_has_the_shape_of_a_batch_result(run: Run, policy: str, tmp_path: Path) -> None:
    patient = tmp_path / "patient.json"
    patient.write_text('{"age_years": 70}')
    found = run("check", "--text", "note", "--patient", str(patient), "--policy", policy, "--json").json
    assert list(found) == ["id", "round_id", "action", "rules", "findings", "answer", "receipt", "error"]
    assert (found["action"], found["rules"], found["answer"]) == ("annotate", ["noted"], "note")


def test_a_broken_patient_file_is_named_with_its_line(run: Run, tmp_path: Path) -> None:
    patient = tmp_path / "patient.json"
    patient.write_text('{\n"age_years": }')
    assert f"{patient}:2: not valid JSON" in run("check", "--text", "x", "--patient", str(patient)).complaint
    patient.write_text('{"age_year": 3}')
    assert "patient.age_year: unknown field" in run("check", "--text", "x", "--patient", str(patient)).complaint


def test_a_batch_answers_in_order_and_a_bad_line_does_not_end_it(run: Run, policy: str, tmp_path: Path) -> None:
    lines = [line("a", draft="Rest."), "{", line("a", draft="note", audience="patient"), line(3, draft=3), line(4)]
    source, out = batch_file(tmp_path / "in.jsonl", *lines), tmp_path / "out.jsonl"
    ran = run("batch", source, "-o", str(out), "--policy", policy)
    assert ran.code == 1
    assert "5 lines: 2 allow, 1 block, 2 error" in ran.err
    found = results(out)
    assert [r["id"] for r in found] == ["a", None, "a", 3, 4]
    assert [r["action"] for r in found] == ["allow", None, "block", None, "allow"]
    assert found[1]["error"].startswith("line 2: not valid JSON")
    assert found[3]["error"] == "line 4: draft: expected a string or null"
    assert found[2]["rules"] == ["patients", "noted"]
    assert found[2]["answer"] is None
    assert found[4]["answer"].startswith("No language model is configured here")


def test_a_batch_goes_on_where_it_stopped(run: Run, policy: str, tmp_path: Path) -> None:
    lines = [line(n, draft=f"Rest {n}.") for n in range(5)]
    source, out = batch_file(tmp_path / "in.jsonl", *lines), tmp_path / "out.jsonl"
    assert run("batch", source, "-o", str(out), "--policy", policy).code == 0
    whole = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join(whole[:2]) + whole[2][:40])
    again = run("batch", source, "-o", str(out), "--policy", policy, "--json")
    assert again.json == {"judged": 3, "kept": 2, "results": {"allow": 3}}
    assert out.read_bytes().splitlines(keepends=True)[:2] == whole[:2]
    assert [r["answer"] for r in results(out)] == [f"Rest {n}." for n in range(5)]
    assert run("batch", source, "-o", str(out), "--policy", policy, "--no-resume", "--json").json["judged"] == 5


def test_results_of_another_input_or_policy_are_not_mixed(run: Run, policy: str, tmp_path: Path) -> None:
    source, out = batch_file(tmp_path / "in.jsonl", line("a", draft="Rest.")), tmp_path / "out.jsonl"
    other = batch_file(tmp_path / "other.jsonl", line("b", draft="Rest."))
    assert run("batch", source, "-o", str(out), "--policy", policy).code == 0
    assert "belongs to another input" in run("batch", other, "-o", str(out), "--policy", policy).complaint
    assert "under another policy" in run("batch", source, "-o", str(out), "--policy", "wardround/base").complaint
    assert len(results(out)) == 1


def test_the_input_is_never_overwritten(run: Run, policy: str, tmp_path: Path) -> None:
    source = batch_file(tmp_path / "in.jsonl", line("a", draft="Rest."))
    before = Path(source).read_text()
    (tmp_path / "link.jsonl").symlink_to(source)
    for output in (source, str(tmp_path / "link.jsonl")):
        assert "is the input itself" in run("batch", source, "-o", output, "--no-resume").complaint
    assert Path(source).read_text() == before


def test_an_output_that_cannot_be_written_is_one_line(run: Run, policy: str, tmp_path: Path) -> None:
    source = batch_file(tmp_path / "in.jsonl", line("a", draft="Rest."))
    assert (
        "cannot be written" in run("batch", source, "-o", str(tmp_path / "none" / "out"), "--policy", policy).complaint
    )
    assert "/dev/full: cannot be written" in run("batch", source, "-o", "/dev/full", "--policy", policy).complaint


def test_a_batch_reads_and_writes_standard_streams(run: Run, policy: str) -> None:
    ran = run("batch", "-", "-o", "-", "--policy", policy, stdin=line("a", draft="Rest."))
    assert ran.code == 0
    assert json.loads(ran.out)["action"] == "allow"


def test_a_checked_round_can_be_listed_and_shown(run: Run, policy: str) -> None:
    round_id = run("check", "--text", "note", "--request", "Is [red]rest[/red] good?", "--json").json["round_id"]
    listed = run("audit", "list", "--since", "1h", "--application", "check", "--json").json
    assert round_id in [r["round_id"] for r in listed["rounds"]]
    assert run("audit", "list", "--application", "nobody").out == "No rounds match.\n"
    shown = run("audit", "show", round_id)
    assert "Is [red]rest[/red] good?" in shown.out
    for kind in ("opened", "intake", "drafted", "checked", "decided", "released"):
        assert f" {kind}" in shown.out
    told = run("audit", "show", round_id, "--json").json
    assert told["round"]["status"] == "released"
    assert told["events"][0]["kind"] == "opened"


def test_a_page_of_rounds_leads_to_the_next(run: Run, policy: str) -> None:
    for _ in range(2):
        run("check", "--text", "Rest.", "--policy", policy)
    first = run("audit", "list", "--limit", "1", "--json").json
    second = run("audit", "list", "--limit", "1", "--cursor", first["cursor"], "--json").json
    assert first["rounds"][0]["round_id"] != second["rounds"][0]["round_id"]


def test_records_are_exported_as_sealed(run: Run, policy: str, tmp_path: Path) -> None:
    round_id = run("check", "--text", "Rest.", "--policy", policy, "--json").json["round_id"]
    out = tmp_path / "round.jsonl"
    assert "records of 1 rounds" in run("audit", "export", round_id, "-o", str(out)).out
    events = run("audit", "show", round_id, "--json").json["events"]
    assert [r["hash"] for r in results(out)] == [e["hash"] for e in events]


def test_a_key_is_made_listed_and_revoked(run: Run, policy: str) -> None:
    made = run("key", "create", "--application", "ward-app", "--policy", policy, "--json").json
    assert made["secret"].startswith("wr_")
    listed = run("key", "list")
    assert made["id"] in listed.out
    assert made["secret"] not in listed.out
    assert "revoked" in run("key", "revoke", made["id"]).out
    assert "No working key" in run("key", "revoke", made["id"]).complaint


def held(run: Run, tmp_path: Path, text: str = "Metformin is taken with meals.") -> str:
    """A round held by a policy that holds everything: its draft comes from the passage alone."""
    path = tmp_path / "hold.yaml"
    path.write_text(HOLD_ALL)
    asked = [{"role": "user", "content": "What about metformin and meals?"}]
    source = batch_file(tmp_path / "held.jsonl", line("a", messages=asked, evidence=[{"id": "p", "text": text}]))
    out = tmp_path / "held-out.jsonl"
    assert run("batch", source, "-o", str(out), "--policy", str(path), "--no-resume").code == 0
    (result,) = results(out)
    assert (result["action"], result["answer"]) == ("escalate", None)
    return str(result["round_id"])


def test_a_held_round_is_listed_shown_and_approved_once(run: Run, tmp_path: Path) -> None:
    round_id = held(run, tmp_path)
    waiting = run("review", "list", "--queue", "pharmacist", "--json").json["holds"]
    assert round_id in [h["round_id"] for h in waiting]
    shown = run("review", "show", round_id)
    assert "metformin and meals?" in shown.out
    assert "Everything is read here" in shown.out
    stale = run("review", "approve", round_id, "--digest", "0" * 64)
    assert "draft has changed" in stale.complaint
    done = run("review", "approve", round_id, "--reviewer", "pharmacist-1", "--reason", "read", "--json").json
    assert done["status"] == "released"
    assert "Metformin is taken with meals." in done["answer"]
    assert "decided already" in run("review", "approve", round_id).complaint
    told = run("audit", "show", round_id).out
    assert "approve by pharmacist-1" in told


def test_a_reviewer_may_reject(run: Run, tmp_path: Path) -> None:
    ran = run("review", "reject", held(run, tmp_path))
    assert "is blocked. The client gets:\nThis cannot be answered." in ran.out


def test_a_reviewers_own_text_is_judged_like_any_draft(run: Run, tmp_path: Path) -> None:
    round_id = held(run, tmp_path)
    ran = run("review", "edit", round_id, "--text", "Rest, and drink enough.")
    assert "waits again" in ran.out
    assert run("review", "show", round_id, "--json").json["draft"] == "Rest, and drink enough."


def test_a_redraft_without_a_model_is_refused(run: Run, tmp_path: Path) -> None:
    assert "no model is configured" in run("review", "redraft", held(run, tmp_path), "--text", "Shorter.").complaint


def test_doctor_finds_the_set_up_sound(run: Run) -> None:
    ran = run("doctor")
    assert ran.code == 0, ran.out
    assert "database_url = (set, hidden)" in ran.out
    states = {c["about"]: c["state"] for c in run("doctor", "--json").json["checks"]}
    assert states["database"] == "ok"
    assert states["upstream"] == "warn"


def test_doctor_says_what_fails_and_how_to_mend_it(run: Run) -> None:
    ran = run("doctor", "--upstream", "http://127.0.0.1:1/v1")
    assert ran.code == 1
    assert "check upstream_url and that the server runs" in ran.out


def test_an_altered_record_is_named(run: Run, policy: str, database_url: str) -> None:
    round_id = run("check", "--text", "Rest.", "--policy", policy, "--json").json["round_id"]
    intact = run("audit", "verify", "--json").json
    assert intact["intact"]
    assert intact["records"] > 0
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE audit_records SET payload = set_byte(payload, 3, 33) WHERE round_id = %s AND kind = 'drafted'",
            (round_id,),
        )
    ran = run("audit", "verify")
    assert ran.code == 1
    assert f"It belongs to round {round_id}." in ran.out
    assert "damaged: 1 problems" in ran.err
