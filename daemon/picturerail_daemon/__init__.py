"""The daemon and its command line.

`cli` reads commands, `service` runs the life of the daemon and of one-shot commands, and
`watch`, `mirror`, `describe`, `meaning`, `index` and `status` are the steps; a step never
imports another.
"""
