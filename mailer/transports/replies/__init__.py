"""Classifies replies, bounces and events: who they are about, and whose fault the failure is."""
