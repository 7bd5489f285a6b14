"""`python -m simulator` is the `simulate` command."""

import signal
import sys


def main() -> None:
    """Run the command; also answer Ctrl-C during its import and after its end."""
    try:
        try:
            from simulator.cli import main as command

            command()
        finally:
            # Python's shutdown restores the default handler, which would kill the process.
            # A Ctrl-C while the command's results are freed is raised here.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.stderr.write("simulate: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
