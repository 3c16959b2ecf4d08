"""PostgreSQL: schema, rounds, holds and keys."""
