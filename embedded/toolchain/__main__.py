"""`python -m embedded.toolchain`: build every program that is missing and print the folder that holds them."""

import sys

from embedded.errors import EmbeddedError
from embedded.toolchain import ensure

try:
    print(ensure(lambda line: print(line, file=sys.stderr, flush=True)).bin)
except EmbeddedError as error:
    sys.exit(str(error))
