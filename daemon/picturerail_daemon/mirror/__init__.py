"""Makes the database agree with the folders.

`listing` reads what lies on disk, `plan` compares it with the rows (a pure function), `apply`
carries the plan out. Nothing here knows about events, describers or the site.
"""
