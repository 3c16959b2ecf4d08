"""What evidence says to a claim, as numbers that the verifier learns. Where the pairs come from: `pairs`."""

from __future__ import annotations

SUPPORTED = 0
CONTRADICTED = 1
NEUTRAL = 2
"""On the topic, but silent on the claim."""
UNSUPPORTED = 3
"""Contradicted or neutral, the source does not say which."""
