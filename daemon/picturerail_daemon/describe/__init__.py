"""Says what is in a picture. Each describer is behind one small interface.

`interface` is what all of them share; `sidecar` reads what people and cameras wrote, `local`
runs the built-in model, `azure` asks a service. None knows about the database.
"""
