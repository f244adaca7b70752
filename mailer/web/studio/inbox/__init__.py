"""Inbox: what came back. Decisions that wait, bounces and complaints."""
