"""The site follower: renditions, pages and the browser's index, from a snapshot of the database.

Everything here is a function of plain values. Settings, the daemon and the network belong
elsewhere.
"""
