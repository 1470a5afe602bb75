"""Helpers for the tests of the room inspection."""
