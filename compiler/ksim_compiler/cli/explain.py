"""What ``ksim-compile --explain`` and ``--list`` print: diagnostics and declared components."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Mapping

from ksim_compiler.cli.explain_fields import (
    EXAMPLES,
    about_object,
    explain_field,
    explain_key,
    fields,
)
from ksim_schema.diagnostics import closest
from ksim_schema.diagnostics.catalogue import CATALOGUE
from ksim_schema.explain.models import component, first_sentence, other, others, width
from ksim_schema.vocabulary import KINDS, Model, Part
from ksim_schema.vocabulary.base import Kinds


def explain(word: str, known: Kinds = KINDS) -> str | None:
    """The text about a code, a kind, an object, another model of the language, or a field.

    Returns:
        None when there is nothing of this name; see :func:`suggest`.
    """
    if word.upper() in CATALOGUE:
        code = CATALOGUE[word.upper()]
        body = textwrap.fill(code.explanation, width())
        return f"{code}: {code.phrase} ({code.severity})\n\n{body}\n"
    found = [component(o, kinds[word]) for o, kinds in known.items() if word in kinds]
    found += [other(model, word) for title, model in others() if title == word]
    if word in known:
        found.append(_object(word, known[word]))
    if not found:
        text = explain_key(word) or explain_field(word, known)
        found += [text] if text else []
    return "\n".join(found) or None


def suggest(word: str, kinds: Kinds = KINDS) -> str:
    """What else could have been meant."""
    known = [*CATALOGUE, *kinds, *(kind for of in kinds.values() for kind in of)]
    known += [title for title, _ in others()]
    of, _, name = word.rpartition(".")
    if of:
        near = closest(name, fields(kinds), limit=3)
        known = [f"{of}.{field}" for field in near if explain(f"{of}.{field}", kinds)] or known
    else:
        known += [*fields(kinds), *EXAMPLES]
    names = " or ".join(map(repr, closest(word, known, limit=3)))
    return f"did you mean {names}?" if names else "--list lists every kind"


def list_kinds(known: Kinds = KINDS) -> str:
    """Every declared component with the first sentence of what it is, by object."""
    width = max(len(kind) for kinds in known.values() for kind in kinds)
    lines: list[str] = []
    for object, kinds in known.items():
        lines.append(object)
        lines += [f"  {kind:{width}}  {first_sentence(model)}" for kind, model in kinds.items()]
    lines.append("networks, distributions and more")
    lines += [f"  {title:{width}}  {first_sentence(model)}" for title, model in others()]
    return "\n".join(lines) + "\n"


def _object(name: str, of: Mapping[str, type[Part]]) -> str:
    shared = [set(kind.__mro__[1:]) for kind in of.values()]
    parent = next(c for c in next(iter(of.values())).__mro__[1:] if all(c in s for s in shared))
    text = re.split(r"\n\n(?:Class a|A)ttributes:\n", inspect.getdoc(parent) or "")[0]
    about = f"{text}\n\n" if parent not in (Part, Model) else ""
    if len(of) == 1:  # of one kind: its fields are what one writes
        return f"{name}\n\n{about_object(name)}\n" + "\n".join(
            component(name, kind) for kind in of.values()
        )
    kinds = textwrap.fill(", ".join(of), width())
    return f"{name}\n\n{about_object(name)}\n{about}Kinds:\n{kinds}\n"
