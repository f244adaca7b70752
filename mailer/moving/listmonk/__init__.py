"""Moving from listmonk by its API: asked once, kept privately until it is brought, and brought by the importer."""
