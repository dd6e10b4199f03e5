"""docs/api.md, printed from the docstrings of the public names."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import ksim_compiler as ksim

GROUPS = {
    "Tasks": ("compile", "Task", "CompileError", "diff", "Difference"),
    "Environments": ("make_env", "Environment", "State", "Step", "EngineUnavailable"),
    "Training": ("train", "resume", "Iteration", "Diverged", "load_run", "Run", "RunError"),
    "Policies": ("load_policy", "Policy", "PolicyError", "evaluate", "Evaluation"),
    "Tables": ("Table",),
}
HEAD = """# Python

<!-- Written by `pytest tests/test_pages.py --refresh-golden` from the docstrings. -->

`import ksim_compiler as ksim` gives the names below. They are what a program may rely on; all other
modules are private. The import itself loads neither JAX nor MuJoCo. [python.md](python.md) shows
them at work, [first_steps.ipynb](first_steps.ipynb) is a notebook.
[Decision 8](decisions/0008-python.md) says why the module is called so.

Arrays are JAX's, in float32 and SI units unless a line says otherwise. `envs` is the number of
environments.
"""
SECTIONS = ("Args", "Attributes", "Returns", "Raises")


def api_page() -> str:
    """The page."""
    return "\n".join([HEAD, *(line for group in GROUPS for line in _group(group))])


def _group(title: str) -> Iterator[str]:
    yield f"## {title}\n"
    for name in GROUPS[title]:
        yield from _entry(getattr(ksim, name), f"`{name}", 3)


def _entry(thing: object, title: str, depth: int) -> Iterator[str]:
    """What a class, a function or a property says of itself, and after it its members."""
    hashes = "#" * depth
    if isinstance(thing, property) or inspect.isclass(thing):
        yield f"{hashes} {title}`\n"
    else:
        yield f"{hashes} {title}{_signature(thing)}`\n"
    yield from _docstring(inspect.getdoc(thing) or "")
    if inspect.isclass(thing):
        inside = {
            name: member
            for name, member in vars(thing).items()
            if (not name.startswith("_") or name == "__call__")
            and (isinstance(member, property | classmethod) or inspect.isfunction(member))
        }
        for name, member in inside.items():
            own = member.__func__ if isinstance(member, classmethod) else member
            shown = "" if name == "__call__" else f".{name}"
            yield from _entry(own, f"{title}{shown}", depth + 1)


def _signature(function: object) -> str:
    assert callable(function)
    names: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in names:
            names.append("*")
        default = parameter.default
        names.append(
            parameter.name if default is parameter.empty else f"{parameter.name}={default!r}"
        )
    return f"({', '.join(names)})"


def _docstring(text: str) -> Iterator[str]:
    """A docstring in the form of Google's guide, as Markdown."""
    text = re.sub(r":\w+:`~?\.*([\w.]+)`", r"`\1`", text.replace("``", "`"))
    for paragraph in re.split(r"\n\n", text):
        head, _, rest = paragraph.partition("\n")
        if head.rstrip(":") in SECTIONS and head.endswith(":"):
            yield f"{head.rstrip(':')}:\n"
            if head == "Returns:":
                yield " ".join(rest.split()) + "\n"
                continue
            for item in re.split(r"\n(?=    \S)", "\n" + rest)[1:]:
                names, colon, about = " ".join(item.split()).partition(": ")
                assert colon, f"no description: {item!r}"
                yield f"- `{names}`: {about}"
            yield ""
        elif all(line.startswith("    ") for line in paragraph.splitlines()):
            yield f"```python\n{inspect.cleandoc(paragraph)}\n```\n"
        else:
            yield " ".join(paragraph.split()) + "\n"
