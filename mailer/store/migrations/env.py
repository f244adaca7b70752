"""Runs migrations on the connection that `store.engine.version.migrate` hands over."""

from alembic import context

from mailer.store.tables.core import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
