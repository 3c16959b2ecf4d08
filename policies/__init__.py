"""The law: findings, policies and decisions as pure values and functions. No network, no clock, no model."""
