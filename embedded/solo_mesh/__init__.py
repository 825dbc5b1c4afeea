"""Solo mesh: a stand-in for the ModelMesh server, for clusters that cannot pull `kserve/modelmesh`.

It implements the interfaces of the real server that ModelMesh Serving's controller, adapters and clients use: the
`mmesh.ModelMesh` management API, inference by vmodel or model id on the same port, the `mmesh.ModelRuntime` calls to
the runtime in its pod, probes, preStop, metrics, and the same keys in etcd.

Deliberately missing: one pod serves one runtime, so there is no placement, no second copy, no scaling, and no
migration between pods. A call for a model type of another runtime is forwarded to a pod of that runtime. Users who
need the rest run the real server; nothing else in the cluster changes.

Modules, in reading order:

| module                   | purpose                                                                  |
| ------------------------ | ------------------------------------------------------------------------ |
| settings                 | environment of the container as one frozen record                        |
| records, etcd, store     | records in etcd; client of its API; a mirror with atomic changes         |
| constraints, protofields | the mounted ConfigMap (labels of types, position of ids); access to ids  |
| runtime, cache           | calls to the model runtime; copies in it, evicted least recently used    |
| models, vmodels          | semantics of the management API                                          |
| management, dataplane    | the two halves of the gRPC port                                          |
| peers                    | calls forwarded to the pod that serves the type                          |
| http, metrics, tls       | probes, preStop, metrics; certificates                                   |
| wire, compile_protos     | access to the protobuf messages, and their compilation                   |
| mesh, __main__           | wiring; order of start and stop                                          |
"""

NAME = "solo-mesh"
VERSION = "0.1.0"
STANDS_IN_FOR = "kserve/modelmesh:v0.12.0"
BANNER = f"{NAME} {VERSION}: a stand-in for {STANDS_IN_FOR} (one pod per runtime; no placement, copies or scaling)"
