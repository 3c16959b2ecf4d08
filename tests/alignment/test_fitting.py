"""Heads from vectors: recovered from labels, drawn towards where they start, calibrated, refused for too few labels."""

from __future__ import annotations

import random

import numpy as np
import pytest

from wardround.agents.safety.heads import combined
from wardround.alignment.fitting import LEVELS, Row, Share, fit
from wardround.policies.errors import WardroundError

WIDTH = 8
SURE, SUSPECTED = Share(0.02, 0.02, 0.02), Share(0.05, 0.05, 0.05)


def _rows(n: int, *, seed: int = 0, noise: float = 1.0, direction: int = 0) -> list[Row]:
    chosen = np.random.default_rng(seed)
    rows: list[Row] = []
    for i in range(n):
        label = i % 2
        vectors = chosen.normal(0, noise, (1 + i % 3, WIDTH)).astype("float32")
        vectors[0, direction] += 3.0 if label else -3.0
        rows.append(Row(vectors, label, LEVELS[3] if label and i % 5 == 0 else "none", i % 4 == 3 or i % 4 == 2, 1.0))
    return rows


def test_a_direction_is_found_and_its_probabilities_tell_the_labels_apart() -> None:
    fitted = fit(_rows(400), sure=SURE, suspected=SUSPECTED)
    told = [p >= 0.5 for p in fitted.probabilities]
    right = sum(t == bool(y) for t, y in zip(told, fitted.labels, strict=True)) / len(told)
    assert right > 0.9
    assert max(range(WIDTH), key=lambda i: abs(fitted.head.weights[i])) == 0


def test_a_stated_probability_is_about_a_frequency() -> None:
    fitted = fit(_rows(1200, noise=2.5), sure=SURE, suspected=SUSPECTED)
    p, y = np.array(fitted.probabilities), np.array(fitted.labels)
    for low in (0.0, 0.25, 0.5, 0.75):
        inside = (p >= low) & (p < low + 0.25)
        if inside.sum() >= 40:
            assert abs(p[inside].mean() - y[inside].mean()) < 0.12


def test_few_labels_change_a_head_little() -> None:
    before = fit(_rows(400), sure=SURE, suspected=SUSPECTED).head
    few = _rows(84, seed=5, direction=1)
    cold = fit(few, sure=SURE, suspected=SUSPECTED).head
    warm = fit(few, sure=SURE, suspected=SUSPECTED, start=before).head
    assert warm.weights[0] > cold.weights[0] + 0.3
    assert warm.weights[1] > before.weights[1] + 0.1


def test_a_rule_never_lowers_a_probability() -> None:
    head = fit(_rows(400), sure=SURE, suspected=SUSPECTED).head
    for raw in (-5.0, 0.0, 5.0):
        told = [combined(head, raw, level) for level in LEVELS]
        assert told == sorted(told)


@pytest.mark.parametrize("n", [0, 10, 60])
def test_too_few_labels_are_refused_with_how_many_are_missing(n: int) -> None:
    with pytest.raises(WardroundError, match=r"\d+ more texts labelled [01] are needed"):
        fit(_rows(n), sure=SURE, suspected=SUSPECTED)


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows = _rows(400)
    shuffled = rows[:]
    random.Random(1).shuffle(shuffled)  # noqa: S311 - order of a test
    first = fit(rows, sure=SURE, suspected=SUSPECTED).head
    second = fit(shuffled, sure=SURE, suspected=SUSPECTED).head
    assert np.allclose(first.weights, second.weights, atol=2e-3)
