"""What reviewers teach: datasets, calibration and evaluation, from the first trained weight on."""
