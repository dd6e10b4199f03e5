# MuJoCo's compiled modules come without type information: its names are Any to the type checker.
from typing import Any

def __getattr__(name: str) -> Any: ...
