#!/bin/sh
# The preStop hook of the mm container: asks solo mesh (process 1 of its container) to stop; with `wait`, returns
# when clients have switched to other pods and calls in flight are done. Works on a read-only root file system.
kill -TERM "${SOLO_MESH_PID:-1}" || exit 0
[ "$1" = wait ] || exit 0
exec "${SOLO_MESH_PYTHON:-/opt/venv/bin/python}" -c '
import os, urllib.request
port = os.environ.get("SOLO_MESH_PRESTOP_PORT", "8090")
urllib.request.urlopen(f"http://127.0.0.1:{port}/prestop", timeout=float(os.environ.get("SHUTDOWN_TIMEOUT_MS", "90000")) / 1000)
'
