"""Metrics that a run sends elsewhere, where that was asked for."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ksim_compiler.cli.common import UsageError


@contextmanager
def sent(
    metrics: str | None, folder: Path, about: dict[str, Any], resumed: bool
) -> Generator[list]:
    """The loggers that send metrics elsewhere, if asked for."""
    if metrics is None:
        yield []
        return
    from uuid import uuid4

    from ksim_compiler.learn.run import manifest
    from ksim_compiler.learn.run.log import MetricsError, WeightsAndBiases

    known = resumed and "wandb" in about
    about.setdefault("wandb", uuid4().hex)  # folders of one name are not one run there
    try:
        logger = WeightsAndBiases(folder, about, about["wandb"], known)
    except MetricsError as error:
        raise UsageError(f"--metrics {metrics}: {error}") from error
    if resumed and not known:
        manifest.rewrite(folder, {**manifest.read(folder), "wandb": about["wandb"]})
    try:
        yield [logger]
    finally:
        logger.close()
