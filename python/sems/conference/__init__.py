"""Conferences: who is in a room, what they may do, and what everybody is told of it."""
