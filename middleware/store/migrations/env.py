"""Alembic's entry: runs the steps on the connection that `migrate` hands over."""

from alembic import context
from sqlalchemy import Connection

from wardround.middleware.store.schema import metadata

connection = context.config.attributes["connection"]
if not isinstance(connection, Connection):
    raise TypeError("Migrations run through wardround.middleware.store.migrate only.")
context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
