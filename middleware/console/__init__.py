"""The reviewers' console."""
