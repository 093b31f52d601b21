"""Says where to look again, and when. It never says what happened: events are hints.

`dirty` gathers and delays the places to look at; `inotify` reads the kernel's events through
watchdog; `watcher` decides how each root is watched and makes up for what goes wrong.
"""
