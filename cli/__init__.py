"""What the Makefile calls: the everyday operations on a stack, told as they happen."""
