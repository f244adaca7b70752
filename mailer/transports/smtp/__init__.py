"""SMTP: sessions, pipelining, a pool of connections in one loop, and what replies mean."""
