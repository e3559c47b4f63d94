"""All errors of the package; every one derives from `MeerkatError`."""

from meerkat._core.errors import *  # noqa: F403
from meerkat._generated.errors import *  # noqa: F403
