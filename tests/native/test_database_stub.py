"""The typed stub of the database's cffi module against the module itself."""

from __future__ import annotations

import ast
from pathlib import Path

import picturerail_native
from picturerail_native import _database


def test_the_stub_names_what_the_module_has() -> None:
    """Every C function is in the stub with its number of arguments, and nothing else is."""
    path = Path(picturerail_native.__file__).with_name("_database.pyi")
    classes = {
        node.name: node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    }
    functions = {
        node.name: len(node.args.args) - 1
        for node in classes["_Lib"].body
        if isinstance(node, ast.FunctionDef)
    }
    constants = {
        node.target.id
        for node in classes["_Lib"].body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }

    names = {name for name in dir(_database.lib) if name.startswith("prdb_")}
    assert names == set(functions)
    for name, count in functions.items():
        kind = _database.ffi.typeof(getattr(_database.lib, name))  # type: ignore[attr-defined]
        assert count == len(kind.args), name
    for name in constants:
        assert isinstance(getattr(_database.lib, name), int), name
