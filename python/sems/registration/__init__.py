"""Registrations, both ways (RFC 3261 §10): where we are registered, and who is at us."""
