"""What a run needs around it, looked at before anything is computed: a late failure costs the work before it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from pipeline.configuration.whole import Params
from pipeline.configuration.without_effect import settings_without_effect
from pipeline.forking.libraries import import_keras_quietly
from pipeline.operations.checking.disk import permission_faults, space_fault, space_note
from pipeline.operations.checking.remotes import identity_fault, push_fault, remote_fault, server_fault

log = logging.getLogger("kiyas")


class SurroundingsError(ValueError):
    """Work could not be finished here; one line for each reason."""


def refuse_unwritable(params: Params, examples: int | None = None) -> None:
    """
    Args:
        examples: how many photos or rows there are, where that is known.

    Raises:
        SurroundingsError: folders may not be written, or the disk is too small for the plan.
    """
    _refuse([*permission_faults(params), space_fault(params, examples)])


def refuse_what_cannot_be_kept(commit: bool, push: bool) -> None:
    """What a retraining ends with, tried before it begins. Where there is a DVC remote, stages pull from it.

    Raises:
        SurroundingsError: git would take no commit, or a remote neither it nor the data.
    """
    identity = identity_fault() if commit or push else None
    _refuse([identity, remote_fault(push), push_fault() if push and not identity else None])


def warn_of_silent_server(params: Params) -> None:
    """A server that is down stops no training, but whoever waits for its pages should know."""
    if params.tracking.enabled and (fault := server_fault()):
        log.warning("%s", fault)


def notes(params: Params, examples: int | None) -> Iterator[str]:
    """What stops no comparison, and would surprise later. That git has no identity would not: most people never commit
    through `retrain --commit`, which asks for one before it works."""
    yield from settings_without_effect(params)
    if note := space_note(params, examples):
        yield note
    yield from _lacking_devices(params)
    if params.tracking.enabled and (fault := server_fault()):
        yield fault
    if fault := remote_fault(push=False):
        yield f"{fault}. `retrain` would be refused"


def _lacking_devices(params: Params) -> Iterator[str]:
    wanted = max(map(params.devices_of, params.candidates()), default=1)
    if wanted > 1:
        from pipeline.training.devices import lack_of_devices

        import_keras_quietly()  # and TensorFlow with it, which is asked for devices
        if note := lack_of_devices(wanted):
            yield note


def _refuse(faults: list[str | None]) -> None:
    if told := [fault for fault in faults if fault]:
        raise SurroundingsError("\n".join(told))
