"""KS07xx: components of a task's own."""

from __future__ import annotations

from ksim_schema.diagnostics.codes.entry import Entry, error

ENTRIES: dict[str, Entry] = {
    "KS0701": error(
        "component file cannot be read",
        "An entry of 'components' must be a Python file in the task's folder or below it.",
    ),
    "KS0702": error("not valid Python", "The component file breaks Python's syntax."),
    "KS0703": error(
        "component file fails",
        "The file raises an exception when it is run. It is run when its task is checked.",
    ),
    "KS0704": error(
        "component without rule",
        "A component derives from Observation, Reward, Termination, Reset, Event or Command of "
        "ksim_schema.custom and has a method 'value(self, x)', or with a method 'initial' "
        "'value(self, x, memory)'.",
    ),
    "KS0705": error(
        "bad declaration",
        "A parameter needs a type that a task can give, such as Length or BodyName, a name that "
        "its base class does not use, and a default that its own type allows.",
    ),
    "KS0706": error(
        "kind is taken", "A built-in component or another one of the task has this kind already."
    ),
    "KS0707": error("no component in file", "The file declares no class that is a component."),
    "KS0708": error(
        "code that is not trusted",
        "The compiled task carries Python code of its author, which could do anything on this "
        "machine. Read it with 'ksim-compile --emit components', then give --trust to run it.",
    ),
    "KS0709": error(
        "component fails",
        "A method of a component raises an exception, or gives a value of another shape or type "
        "than its object needs.",
    ),
}
