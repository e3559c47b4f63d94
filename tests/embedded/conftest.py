"""A process of each runtime to speak raw lines with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.embedded.helpers import begin

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.embedded.driver import Peer
    from tests.support.runtime import Runtime


@pytest.fixture
async def peer(runtime: Runtime) -> AsyncGenerator[Peer]:
    """A process of each runtime, on each backend of the test itself."""
    async with begin(runtime) as peer:
        yield peer
