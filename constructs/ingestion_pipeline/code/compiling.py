"""Runs in the pinned compiler: one module's source to what Lambda's Python loads instead of it."""

import ast
import marshal
from importlib.util import MAGIC_NUMBER, source_hash

_UNCHECKED_HASH = 0b01
# The others count references, which differ from run to run.
_MARSHAL_FORMAT = 2


def bytecode(source: bytes, path: str) -> bytes:
    """The content of a .pyc file (PEP 552) that is loaded without a look at its source.

    Docstrings of modules and functions are left out, a sixth of the bytes. Those of classes stay: without
    one, ``dataclass`` spends time on making one up.

    Args:
        source: The module's file.
        path: Where it will lie; tracebacks name it.
    """
    tree = ast.parse(source, path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
            _remove_docstring(node)
    code = compile(tree, path, "exec", dont_inherit=True, optimize=0)
    head = MAGIC_NUMBER + _UNCHECKED_HASH.to_bytes(4, "little") + source_hash(source)
    return head + marshal.dumps(code, _MARSHAL_FORMAT)


def _remove_docstring(node: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    is_text = [
        isinstance(each, ast.Expr)
        and isinstance(each.value, ast.Constant)
        and isinstance(each.value.value, str)
        for each in node.body[:2]
    ]
    # A second text would become the docstring.
    if is_text == [True, False]:
        del node.body[0]
