"""`python -m embedded.toolchain`: build every program that is missing and print the folder that holds them."""

import sys

from embedded.toolchain import BuildError, ensure

try:
    print(ensure(lambda line: print(line, file=sys.stderr, flush=True)).bin)
except BuildError as error:
    sys.exit(str(error))
