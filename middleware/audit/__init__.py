"""The audit record: its bytes, its hash chain, its verification; needs no database."""
