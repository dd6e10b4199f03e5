"""Fields of which one is given."""

from pydantic_core import PydanticCustomError

from ksim_schema.vocabulary.base import Model


def exactly_one(part: Model, *names: str) -> None:
    """Refuse a part unless exactly one of these fields is given.

    Raises:
        PydanticCustomError: of type ``one_form``.
    """
    given = [name for name in names if getattr(part, name) not in (None, ())]
    if len(given) != 1:
        shown = [type(part).model_fields[name].alias or name for name in names]
        raise PydanticCustomError(
            "one_form",
            "exactly one of {names} must be given, but {count} are",
            {
                "names": " and ".join(shown),
                "count": len(given),
                "help": "give one of them",
                "fields": " ".join(shown),
            },
        )
