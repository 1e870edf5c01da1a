"""``python -m watersim`` is the command line."""

from watersim.cli import main

main()
