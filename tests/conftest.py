"""What holds for all tests of a run, which share one process."""

import os

# Clients of gRPC handle the fork of a program that another test starts, and now and then abort it before it runs.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
