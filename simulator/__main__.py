"""`python -m simulator` is the `simulate` command."""

import signal
import sys


def main() -> None:
    """Run the command; Ctrl-C while it is imported ends it as at any other time."""
    try:
        from simulator.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.stderr.write("simulate: interrupted\n")
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python's own end would die of it


if __name__ == "__main__":
    main()
