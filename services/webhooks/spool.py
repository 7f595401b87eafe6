"""Events on the receiver's own disk: what the store did not take, of a sender that delivers nothing twice."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from include.events.inbox import InboxEvent, object_name, stored_event, to_object
from services.webhooks.inbox import CannotStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Spool:
    """A folder of events that wait for the store. It must outlive the process."""

    folder: Path

    def keep(self, event: InboxEvent) -> None:
        """Write an event durably. Raises OSError when the disk does not take it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = object_name(event)
        target = self.folder / f"{hashlib.sha256(name.encode()).hexdigest()}.event"
        unfinished = target.with_suffix(".part")
        with unfinished.open("wb") as file:
            file.write(name.encode() + b"\n" + to_object(event))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)

    def drain(self, store: Callable[[InboxEvent], bool]) -> int:
        """Hand what waits to the store and return how many it took. What is no event of ours, or cannot be read, stays and is named."""
        taken = 0
        for file in sorted(self.folder.glob("*.event")):
            try:
                name, _, content = file.read_bytes().partition(b"\n")
                store(stored_event(name.decode(), content))
                file.unlink()
            except CannotStore as error:
                logger.warning("%d events wait on disk: %s", len(list(self.folder.glob("*.event"))), error)
                return taken
            except ValueError as error:
                logger.error("%s holds no event: %s", file, error)
                continue
            except OSError as error:  # else no event would be handed over until the next start
                logger.error("%s cannot be read or removed: %s", file, error)
                continue
            taken += 1
        return taken
