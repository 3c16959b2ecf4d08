"""The safety specialist: privacy, crisis, attack, harm and emergency detectors."""
