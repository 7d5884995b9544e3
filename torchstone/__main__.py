"""`python -m torchstone` is `torchstone`."""

from torchstone import main

main()
