"""The two engines' Python faces and the record types that travel between parts.

`database` and `search` are thin typed wrappers over the native modules; `records` and
`fields` are plain values. Nothing here knows about settings, folders or the site.
"""
