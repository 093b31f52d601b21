"""`python -m picturerail_daemon` is `picturerail`."""

from picturerail_daemon.cli import main

if __name__ == "__main__":
    main()
