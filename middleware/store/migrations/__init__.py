"""How a database gets to today's schema; run by Alembic at start."""
