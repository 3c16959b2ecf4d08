"""The policy packs that ship with Wardround, as YAML files."""
