"""Solo mesh: a stand-in for the ModelMesh server, for clusters that cannot pull `kserve/modelmesh`.

It speaks what ModelMesh Serving's controller, adapters and clients speak to the real server: the
`mmesh.ModelMesh` management API, inference by vmodel or model id on the same port, the
`mmesh.ModelRuntime` calls to the runtime beside it, probes, preStop, metrics, and the same keys in etcd.

What it deliberately is not: one pod serves one runtime, so there is no placement, no second copy, no
scaling, no migration between pods. A call for a type of model that another runtime serves is handed to a
pod of that runtime. Whoever needs the rest runs the real server; nothing else in the cluster changes.

One idea a file, in the order a reader wants them:

| file                     | owns                                                                   |
| ------------------------ | ---------------------------------------------------------------------- |
| settings                 | environment of the container → one frozen record                       |
| records, etcd, store     | what stands in etcd; its API; a mirror of it with atomic changes       |
| constraints, protofields | the mounted ConfigMap: labels a type needs, where ids stand; those ids |
| runtime, cache           | calls to the model runtime; copies in it, least recently used first out |
| models, vmodels          | meaning of the management API                                          |
| management, dataplane    | the two halves of the gRPC port                                        |
| peers                    | calls handed to the pod that serves the type                           |
| http, metrics, tls       | probes, preStop, metrics; certificates                                 |
| wire, compile_protos     | the border to the protobuf messages, and how they are compiled         |
| mesh, __main__           | everything wired; order of start and stop                              |
"""

NAME = "solo-mesh"
VERSION = "0.1.0"
STANDS_IN_FOR = "kserve/modelmesh:v0.12.0"
BANNER = f"{NAME} {VERSION}: a stand-in for {STANDS_IN_FOR} (one pod per runtime; no placement, copies or scaling)"
