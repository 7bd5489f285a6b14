"""`python -m simulator` is the `simulate` command."""

import signal
import sys


def main() -> None:
    """Run the command; also answer Ctrl-C during its import."""
    try:
        from simulator.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.stderr.write("simulate: interrupted\n")
        sys.exit(130)
    finally:
        # Python's shutdown restores the default handler, which would kill the process
        signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
