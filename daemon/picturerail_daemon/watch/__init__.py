"""Says where to look again, and when. It never says what happened: events are hints.

`dirty` gathers and delays the places to look at; `observer` feeds it from watchdog.
"""
