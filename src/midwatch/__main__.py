"""`python -m midwatch`, the same as the command `midwatch`."""

from midwatch.cli import main

if __name__ == "__main__":
    main()
