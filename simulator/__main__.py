"""`python -m simulator` is the `simulate` command."""

import sys


def main() -> None:
    """Run the command; Ctrl-C while it is imported ends it as at any other time."""
    try:
        from simulator.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.stderr.write("simulate: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
