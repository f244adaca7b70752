"""Opening a database: dialects, prepared statements, errors, versions, and the fence around one that was moved."""
