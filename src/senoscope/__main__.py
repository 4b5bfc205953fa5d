"""`python -m senoscope`: the command line, as `torchrun -m senoscope` starts it."""

from senoscope.cli import main

if __name__ == "__main__":
    main()
