"""KS07xx: components of a task's own."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error

UNREADABLE_COMPONENT_FILE = error(
    "KS0701",
    "component file cannot be read",
    "An entry of 'components' must be a Python file in the task's folder or below it.",
)
INVALID_PYTHON = error("KS0702", "not valid Python", "The component file breaks Python's syntax.")
FAILING_COMPONENT_FILE = error(
    "KS0703",
    "component file fails",
    "The file raises an exception when it is run. It is run when its task is checked.",
)
COMPONENT_WITHOUT_RULE = error(
    "KS0704",
    "component without rule",
    "A component derives from a class of ksim_schema.custom that is named as its object is, as "
    "Reward or Observation, and has a method 'value(self, x)', or with a method 'initial' "
    "'value(self, x, memory)'.",
)
BAD_DECLARATION = error(
    "KS0705",
    "bad declaration",
    "A parameter needs a type that a task can give, such as Length or BodyName, a name that "
    "its base class does not use, and a default that its own type allows.",
)
KIND_TAKEN = error(
    "KS0706",
    "kind is taken",
    "A built-in component or another one of the task has this kind already.",
)
NO_COMPONENT = error(
    "KS0707", "no component in file", "The file declares no class that is a component."
)
UNTRUSTED_CODE = error(
    "KS0708",
    "code that is not trusted",
    "The compiled task carries Python code of its author, which could do anything on this "
    "machine. Read it with 'ksim-compile --emit components', then give --trust to run it.",
)
FAILING_COMPONENT = error(
    "KS0709",
    "component fails",
    "A method of a component raises an exception, or gives a value of another shape or type "
    "than its object needs.",
)
