"""Certificates: the promise holds over many draws, too few labels are refused with numbers, odd labels do no harm."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from hashlib import sha256
from math import comb, log
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from wardround.agents.knowledge.certificate import Certificate, Certified, Refused
from wardround.alignment.certify import Terms, certify, grid, labels_needed, p_values, upper_bound
from wardround.alignment.drift import Verdict, compare
from wardround.alignment.labels import Label, Labels, read_labels
from wardround.policies.errors import InputError
from wardround.policies.request import Task

DAY = date(2026, 5, 1)
DRAWS = 200
MOST_BROKEN = 33
"""Of 200 certificates that each break with probability 0.1, more break in fewer than one series of a thousand."""


class Population(NamedTuple):
    """Claims by probability, with what is true of them."""

    probabilities: tuple[float, ...]
    shares: tuple[float, ...]
    unsupported: tuple[float, ...]
    """Rate of unsupported claims at each probability."""

    def risk(self, threshold: float) -> float:
        """The true rate among the released."""
        kept = np.array(self.probabilities) >= threshold
        shares = np.array(self.shares) * kept
        return float((shares * np.array(self.unsupported)).sum() / shares.sum())

    def draw(self, n: int, chosen: np.random.Generator, *, claims_a_round: int = 0) -> list[Label]:
        """Labels; `claims_a_round` of one round share probability and label, 0: each stands alone, without an id."""
        size = n // (claims_a_round or 1)
        at: list[int] = chosen.choice(len(self.probabilities), size, p=self.shares).tolist()
        bad: list[bool] = (chosen.random(size) < np.array(self.unsupported)[at]).tolist()
        return [
            _label(self.probabilities[i], not b, round_id=f"r{number}" if claims_a_round else None)
            for number, (i, b) in enumerate(zip(at, bad, strict=True))
            for _ in range(claims_a_round or 1)
        ]


TENTHS = (0.55, 0.65, 0.75, 0.85, 0.95, 0.99)
SHARES = (0.05, 0.05, 0.1, 0.2, 0.3, 0.3)
POPULATIONS: Mapping[str, Population] = {
    "the rate falls as the probability rises": Population(TENTHS, SHARES, (0.5, 0.4, 0.3, 0.15, 0.02, 0.01)),
    "all rates lie a hair above alpha": Population(TENTHS, SHARES, (0.0505,) * 6),
    "the verifier is surest where it errs most": Population(TENTHS, SHARES, (0.04, 0.04, 0.04, 0.045, 0.05, 0.06)),
    "the top is rare and bad": Population((0.6, 0.99), (0.9, 0.1), (0.0456, 0.1)),
    "one probability for all": Population((0.8,), (1.0,), (0.0505,)),
    "hardly any is supported": Population(TENTHS, SHARES, (0.95,) * 6),
}


@cache
def _label(
    probability: float, supported: bool, *, round_id: str | None = None, task: Task = Task.LETTER, language: str = "en"
) -> Label:
    return Label(task=task, language=language, probability=probability, supported=supported, round_id=round_id)


def _labels(rows: Sequence[Label]) -> Labels:
    """The labels as if read from a file, with a digest that tells apart the files of these tests."""
    return Labels(tuple(rows), sha256(f"{len(rows)} {sum(r.supported for r in rows)}".encode()).hexdigest())


def _certify(rows: Sequence[Label], **terms: float | bool) -> Certificate:
    return certify(_labels(rows), Terms(**terms), verifier="test", made=DAY)  # type: ignore[arg-type]


def _only(rows: Sequence[Label], **terms: float | bool) -> Certified | Refused:
    (group,) = _certify(rows, **terms).groups
    return group


def _refused(rows: Sequence[Label], **terms: float | bool) -> Refused:
    group = _only(rows, **terms)
    assert isinstance(group, Refused)
    return group


def _broken(population: Population, n: int, *, claims_a_round: int = 0, ids: bool = True) -> int:
    """In how many of 200 draws the certified threshold has a true risk above alpha."""
    chosen = np.random.default_rng(7)
    broken = 0
    for _ in range(DRAWS):
        rows = population.draw(n, chosen, claims_a_round=claims_a_round)
        group = _only(rows if ids else [_label(r.probability, r.supported) for r in rows])
        broken += isinstance(group, Certified) and population.risk(group.threshold) > 0.05
    return broken


@pytest.mark.parametrize("name", POPULATIONS)
@pytest.mark.parametrize("n", [90, 400])
def test_at_most_one_certificate_in_ten_breaks_its_promise(name: str, n: int) -> None:
    assert _broken(POPULATIONS[name], n) <= MOST_BROKEN


def test_a_verifier_that_is_good_enough_is_certified_where_it_is() -> None:
    population = POPULATIONS["the rate falls as the probability rises"]
    group = _only(population.draw(3000, np.random.default_rng(1)))
    assert isinstance(group, Certified)
    assert group.threshold == 0.95
    assert group.coverage == pytest.approx(0.6, abs=0.05)
    assert group.observed_rate is not None
    assert group.observed_rate < group.upper_bound <= 0.05


def test_claims_of_one_round_count_once_or_the_promise_would_break() -> None:
    population = POPULATIONS["one probability for all"]
    assert _broken(population, 500, claims_a_round=10) <= MOST_BROKEN
    assert _broken(population, 500, claims_a_round=10, ids=False) > MOST_BROKEN


def test_jointly_all_promises_hold_together() -> None:
    chosen = np.random.default_rng(3)
    population = POPULATIONS["one probability for all"]
    languages = ("de", "en", "es", "fr", "it")
    broken = {True: 0, False: 0}
    rows: list[Label] = []
    for _ in range(DRAWS):
        rows = [_label(r.probability, r.supported, language=x) for x in languages for r in population.draw(100, chosen)]
        for jointly in broken:
            broken[jointly] += bool(_certify(rows, jointly=jointly).certified)
    assert broken[True] <= MOST_BROKEN < broken[False]
    assert _certify(rows, jointly=True).group_delta == pytest.approx(0.02)


@pytest.mark.parametrize(("alpha", "delta"), [(0.05, 0.1), (0.05, 0.05), (0.01, 0.1), (0.2, 0.01)])
def test_the_fewest_labels_are_those_of_the_test_itself(alpha: float, delta: float) -> None:
    least = labels_needed(alpha, delta)
    assert least is not None
    assert least - 1 < log(delta) / log(1 - alpha) <= least
    short = _refused([_label(0.9, True)] * (least - 1), alpha=alpha, delta=delta)
    assert (short.needed, short.more, short.n_released) == (least, 1, least - 1)
    assert isinstance(_only([_label(0.9, True)] * least, alpha=alpha, delta=delta), Certified)


def test_a_refusal_says_how_many_labels_would_do() -> None:
    rows = [_label(0.9, i >= 2) for i in range(60)]
    refused = _refused(rows)
    assert refused.more is not None
    assert refused.reason == (
        "refused: 60 labelled claims; at least 45 are needed even if every one is supported; "
        f"about {refused.more} more at the observed rate"
    )
    total = 60 + refused.more
    assert isinstance(_only([_label(0.9, i >= np.ceil(total / 30)) for i in range(total)]), Certified)
    assert isinstance(_only([_label(0.9, i >= np.ceil(total / 60)) for i in range(total // 2)]), Refused)


def test_a_refusal_counts_rounds_where_claims_share_them() -> None:
    refused = _refused([_label(0.9, True, round_id=f"r{i // 4}") for i in range(80)])
    assert (refused.claims, refused.n, refused.more) == (80, 20, 25)
    assert "80 labelled claims of 20 rounds, which count;" in refused.reason
    assert "about 25 more rounds at" in refused.reason


@pytest.mark.parametrize(
    "rows",
    [
        [_label(0.99, False)] * 500,
        [_label(0.99, i % 5 > 0) for i in range(500)],
        [_label(0.3, True)] * 500,
        [_label(0.0, False)],
        [_label(1.0, False)],
    ],
    ids=["all unsupported", "one in five unsupported", "none reaches the floor", "one at 0", "one at 1"],
)
def test_where_no_number_of_labels_helps_the_group_is_refused_and_says_so(rows: list[Label]) -> None:
    refused = _refused(rows)
    assert refused.more is None
    assert refused.reason.endswith("no number helps at the observed rate")


@pytest.mark.parametrize("probability", [0.5, 0.8, 0.999, 1.0])
def test_no_threshold_lies_lower_than_a_label_was_seen(probability: float) -> None:
    group = _only([_label(probability, True)] * 100)
    assert isinstance(group, Certified)
    assert group.threshold == min(probability, 0.999)
    assert group.coverage == 1.0


def test_ties_are_released_together() -> None:
    rows = [_label(0.91, True)] * 100 + [_label(0.9, i % 2 == 0) for i in range(100)]
    group = _only(rows)
    assert isinstance(group, Certified)
    assert (group.threshold, group.n_released) == (0.91, 100)


def test_no_threshold_lies_below_the_floor() -> None:
    rows = [_label(p, True) for p in (0.1, 0.4, 0.6, 0.9) for _ in range(100)]
    for floor, threshold in ((0.5, 0.6), (0.0, 0.1), (0.85, 0.9)):
        group = _only(rows, floor=floor)
        assert isinstance(group, Certified)
        assert group.threshold == threshold


def test_the_grid_goes_from_strict_to_lax_and_ends_at_the_floor() -> None:
    for floor in (0.0, 0.123, 0.5, 0.995, 0.999):
        thresholds = grid(floor)
        assert list(thresholds) == sorted(set(thresholds), reverse=True)
        assert thresholds[-1] == floor


def test_the_p_values_are_exact_binomial_tails() -> None:
    for n in (1, 10, 49, 77, 103, 300):
        counts = range(min(n, 30) + 1)
        expected = np.cumsum([comb(n, k) * 0.05**k * 0.95 ** (n - k) for k in counts])
        assert p_values(list(counts), [n] * len(counts), 0.05) == pytest.approx(expected)


def test_the_upper_bound_is_where_the_binomial_tail_is_delta() -> None:
    bound = upper_bound(3, 200, 0.1)
    assert sum(comb(200, k) * bound**k * (1 - bound) ** (200 - k) for k in range(4)) == pytest.approx(0.1)
    assert upper_bound(0, 0, 0.1) == upper_bound(5, 5, 0.1) == 1.0


def test_groups_do_not_touch_each_other() -> None:
    good = [_label(0.9, True)] * 60
    bad = [_label(0.9, False, task=Task.OTHER)] * 60
    few = [_label(0.9, True, language="de")] * 3
    made = _certify([*few, *bad, *good])
    assert [(g.task, g.language, g.status) for g in made.groups] == [
        ("letter", "de", "refused"),
        ("letter", "en", "certified"),
        ("other", "en", "refused"),
    ]
    assert made.threshold(Task.LETTER, "en") == 0.9
    assert made.threshold(Task.LETTER, "de") is made.threshold(Task.OTHER, "en") is None
    assert made.threshold(Task.LETTER, "und") is None


def test_the_same_labels_give_the_same_bytes() -> None:
    population = POPULATIONS["the rate falls as the probability rises"]
    rows = population.draw(1000, np.random.default_rng(5), claims_a_round=2)
    assert _certify(rows).model_dump_json() == _certify(list(rows)).model_dump_json()


@pytest.mark.parametrize("terms", [{"alpha": 0.0}, {"alpha": 1.0}, {"delta": float("nan")}, {"floor": 1.0}])
def test_impossible_terms_are_refused_by_name(terms: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(terms))):
        Terms(**terms)  # type: ignore[arg-type]


GOOD = {"task": "letter", "language": "en", "probability": 0.9, "supported": True}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"probability": 1.01}, "probability: expected a number from 0 to 1"),
        ({"probability": -0.01}, "probability: "),
        ({"probability": float("nan")}, "probability: "),
        ({"probability": float("inf")}, "probability: "),
        ({"probability": "0.9"}, "probability: "),
        ({"probability": True}, "probability: "),
        ({"probability": None}, "probability: "),
        ({"task": "question"}, "task: expected one of decision_support, "),
        ({"language": "eng"}, "language: expected an ISO 639-1 code"),
        ({"language": "xx"}, "language: "),
        ({"language": "und"}, "language: "),
        ({"supported": 1}, "supported: expected true or false"),
        ({"supported": "yes"}, "supported: "),
        ({"round_id": ""}, "round_id: "),
        ({"round_id": 5}, "round_id: "),
    ],
)
def test_a_bad_field_is_named_with_its_line(change: dict[str, object], said: str) -> None:
    text = json.dumps(GOOD) + "\n\n" + json.dumps(GOOD | change)
    with pytest.raises(InputError) as refused:
        read_labels(text.encode(), "labels.jsonl")
    assert str(refused.value).startswith(f"labels.jsonl:3: {said}")


@pytest.mark.parametrize("field", GOOD)
def test_a_missing_field_is_named(field: str) -> None:
    text = json.dumps({k: v for k, v in GOOD.items() if k != field})
    with pytest.raises(InputError, match=f"labels.jsonl:1: {field}: is missing: expected"):
        read_labels(text.encode(), "labels.jsonl")


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_a_file_without_labels_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="holds no labelled claim"):
        read_labels(data, "labels.jsonl")


@pytest.mark.parametrize("line", [b"{", b"[]", b"5", b"\xff\xfe", b'{"task": "letter"} {}'])
def test_a_line_that_is_no_object_is_refused(line: bytes) -> None:
    with pytest.raises(InputError, match="labels.jsonl:1: not a JSON object"):
        read_labels(line, "labels.jsonl")


def test_further_fields_and_whole_numbers_are_read() -> None:
    row = GOOD | {"probability": 1, "claim_id": "c1", "text": "line\u2028line", "round_id": None}
    assert read_labels(json.dumps(row, ensure_ascii=False).encode(), "x").rows == (_label(1.0, True),)


def test_one_claim_a_round_is_drawn_whatever_its_label() -> None:
    rows = [_label(0.9, i % 2 == 0, round_id=f"r{i // 2}") for i in range(2000)]
    labels = _labels(rows)
    drawn = labels.independent(rows)
    assert [r.round_id for r in drawn] == [f"r{i}" for i in range(1000)]
    assert 430 < sum(r.supported for r in drawn) < 570
    assert labels.independent(rows) == drawn
    alone = [r.model_copy(update={"round_id": None}) for r in rows]
    assert labels.independent(alone) == tuple(alone)


def _fresh(unsupported: int, of: int, probability: float = 0.9) -> Labels:
    return _labels([_label(probability, i >= unsupported) for i in range(of)])


@pytest.mark.parametrize(
    ("unsupported", "of", "verdict"),
    [(0, 100, "compatible"), (5, 100, "compatible"), (9, 100, "compatible"), (10, 100, "drifted"), (1, 1, "compatible"),
     (2, 2, "drifted")],
)  # fmt: skip
def test_a_rate_that_chance_cannot_explain_is_drift(unsupported: int, of: int, verdict: str) -> None:
    certificate = _certify([_label(0.9, True)] * 60)
    (found,) = compare(certificate, _fresh(unsupported, of))
    expected = 1 - sum(comb(of, k) * 0.05**k * 0.95 ** (of - k) for k in range(unsupported))
    assert found.p_value == pytest.approx(expected, abs=1e-5)
    assert found.verdict == verdict or found.p_value == pytest.approx(0.05, abs=0.01)
    assert (found.verdict is Verdict.DRIFTED) == (found.p_value < 0.05)


def test_fresh_claims_below_the_threshold_are_not_judged() -> None:
    certificate = _certify([_label(0.9, True)] * 60)
    (found,) = compare(certificate, _fresh(50, 50, probability=0.89))
    assert (found.verdict, found.n, found.n_released) == (Verdict.NO_LABELS, 50, 0)


def test_a_check_of_nothing_is_no_pass() -> None:
    rows = [_label(0.9, True)] * 60
    with pytest.raises(InputError, match="a check needs fresh ones"):
        compare(_certify(rows), _labels(rows))
    with pytest.raises(InputError, match="no label is of a certified group"):
        compare(_certify(rows), _labels([_label(0.9, True, language="de")]))


def test_the_page_on_calibration_shows_the_numbers_of_labels_that_the_test_needs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "calibration.md").read_text(encoding="utf-8")
    for alpha, delta in ((0.1, 0.1), (0.05, 0.1), (0.05, 0.05), (0.02, 0.1), (0.01, 0.1)):
        cells = [labels_needed(alpha, delta, share * alpha) for share in (0.0, 0.2, 0.5, 0.8)]
        assert f"| {alpha:.0%} | {1 - delta:.0%} | " + " | ".join(f"{n:,}" for n in cells) + " |" in page
