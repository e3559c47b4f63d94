"""``python -m meerkat.embedded`` and ``meerkat-embedded``."""

from __future__ import annotations

import os
import signal
import sys

from meerkat.embedded.cli import EXIT_FAILURE, EXIT_OK, CommandLineError, parse


def main() -> int:
    """Run the embedded runtime; returns the exit status."""
    try:
        options = parse(sys.argv[1:])
    except CommandLineError as error:
        sys.stderr.write(f"{error}\n")
        return error.status
    if isinstance(options, str):
        sys.stdout.write(options)
        return EXIT_OK

    # Like the real runtime: signals end the process at once, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

    # Whoever only asks for help need not wait for these.
    import anyio  # noqa: PLC0415

    from meerkat.embedded.config_shape import ConfigError  # noqa: PLC0415
    from meerkat.embedded.realm import Realm  # noqa: PLC0415
    from meerkat.embedded.runtime import model_from, retry_scale_from  # noqa: PLC0415
    from meerkat.embedded.server import Server  # noqa: PLC0415

    environment = dict(os.environ)
    try:
        model, scale = model_from(environment), retry_scale_from(environment)
        realm = Realm(options)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return EXIT_FAILURE

    async def serve() -> int:
        return await Server(options, realm, model, scale).serve()

    try:
        return anyio.run(serve)
    except ConfigError as error:
        sys.stderr.write(f"Error: {error}\n")
        return EXIT_FAILURE


if __name__ == "__main__":
    sys.exit(main())
