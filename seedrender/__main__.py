"""The program's entry: `seedrender`, and `python -m seedrender`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit; Ctrl-C while modules are being loaded ends it as later."""
    try:
        from seedrender.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    if not sys.flags.safe_path:  # `python -m` looks for modules in the folder that it stands in
        del sys.path[0]
    main()
