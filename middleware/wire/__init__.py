"""Wire formats, one file per protocol."""
