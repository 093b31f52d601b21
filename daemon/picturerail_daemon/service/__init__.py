"""The life of the daemon and of one-shot commands: where the steps meet and settings end.

`library` opens everything for writing and does the work; `daemon` does it continually;
`control` lets commands ask a running daemon; `views` reads without writing.
"""
