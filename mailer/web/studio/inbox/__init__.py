"""Inbox: what came back. Decisions that wait, replies, bounces and complaints."""
