"""Stocktakes while the hall works: a blind first count, a second by somebody else, approved by who did not count."""
