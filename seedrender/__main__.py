"""`python -m seedrender`: the console script under another name."""

from seedrender.cli.main import main

main()
