"""The contact sensors that parts ask for."""

from typing import Literal

from ksim_schema.robot import SensorRequest


def contact_of(
    geom: str, partner: str | None, data: Literal["found", "force"] = "found"
) -> SensorRequest:
    """Whether a geom touches another (or anything), or the force of its strongest contact."""
    options = (("data", data), ("num", "1"))
    if data == "force":
        options = (*options, ("reduce", "maxforce"))
    return SensorRequest("contact", "geom", geom, "geom" if partner else "", partner or "", options)
