"""Commands about the installation: db, doctor, serve."""
