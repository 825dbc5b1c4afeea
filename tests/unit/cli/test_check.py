"""Documents of other clusters are checked by the rules of the components, with the line of each problem."""

import io
import json
import re
import shlex
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.check import CheckError, check
from components import checks
from components.images.images import Images
from components.installation.serving_config import ServingConfig
from tests.unit.stack.upstream_tree import tree

SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: mine, annotations: {serving.kserve.io/deploymentMode: ModelMesh}}
spec:
  predictor:
    model:
      modelFormat: {name: sklearn}
      storage: {key: models, path: a}
"""
RUNTIME = """\
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata: {name: mine}
spec:
  multiModel: true
  supportedModelFormats: [{name: own, autoSelect: true}]
  grpcEndpoint: port:9000
  grpcDataEndpoint: port:9001
  containers: [{name: own, image: own}]
"""
PREDICTOR = """\
apiVersion: serving.kserve.io/v1alpha1
kind: Predictor
metadata: {name: mine}
spec:
  modelType: {name: sklearn}
  storage: {key: models, path: a}
"""
STORAGE = """\
apiVersion: v1
kind: Secret
metadata: {name: storage-config}
stringData:
  models: |
    {"type": "s3", "access_key_id": "user", "secret_access_key": "0123",
     "endpoint_url": "http://minio:9000", "region": "eu", "certificate": ""}
"""
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: model-serving-config}
data:
  config.yaml: |
    podsPerRuntime: "1"
    metrics:
      port: 2113
"""
GOOD = (SERVICE, RUNTIME, PREDICTOR, STORAGE, CONFIG)


def checked(files: str, output: str = "text") -> int:
    """The exit code; files are quoted as for a shell."""
    try:
        check(Namespace(files=files, output=output))
    except CheckError as error:
        return error.exit_code
    return 0


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


ENDPOINTS = "  grpcEndpoint: port:9000\n  grpcDataEndpoint: port:9001\n"
MISTAKES = {
    # Kind and version.
    "no version": (
        changed(SERVICE, "apiVersion: serving.kserve.io/v1beta1\n", ""),
        2,
        ["1: cannot work: apiVersion: missing, expected serving.kserve.io/v1beta1"],
    ),
    "former group": (
        changed(SERVICE, "serving.kserve.io/v1beta1", "serving.kubeflow.org/v1beta1"),
        2,
        ["1: cannot work: apiVersion: 'serving.kubeflow.org/v1beta1', expected serving.kserve.io/v1beta1"],
    ),
    "another version": (
        changed(SERVICE, "serving.kserve.io/v1beta1", "serving.kserve.io/v1alpha1"),
        2,
        ["1: cannot work: apiVersion: 'serving.kserve.io/v1alpha1', expected serving.kserve.io/v1beta1"],
    ),
    "another group": (
        changed(SERVICE, "serving.kserve.io/v1beta1", "example.com/v1"),
        0,
        ["InferenceService mine, which ModelMesh Serving does not read"],
    ),
    "no kind": (
        changed(SERVICE, "kind: InferenceService\n", ""),
        2,
        ["1: cannot work: kind: missing, expected one of"],
    ),
    "kind of a number": (changed(SERVICE, "InferenceService", "5"), 2, ["2: cannot work: kind: 5, expected one of"]),
    "values of a chart": ("replicas: 1\n", 0, ["which ModelMesh Serving does not read"]),
    # KServe's own objects.
    "raw deployment": (changed(SERVICE, "ModelMesh}", "RawDeployment}"), 0, ["mine, which ModelMesh Serving does not"]),
    "no mode": (
        changed(SERVICE, ", annotations: {serving.kserve.io/deploymentMode: ModelMesh}", ""),
        1,
        ["3: ignored: metadata.annotations[", "ModelMesh leaves objects without it to KServe"],
    ),
    "wrong mode": (changed(SERVICE, "ModelMesh}", "modelmesh}"), 2, ["'modelmesh', expected 'ModelMesh'"]),
    "one model": (
        changed(RUNTIME, "multiModel: true", "multiModel: false"),
        0,
        ["which ModelMesh Serving does not read"],
    ),
    "several models forgotten": (
        changed(RUNTIME, "  multiModel: true\n", ""),
        2,
        ["4: cannot work: spec.multiModel: None, expected true"],
    ),
    "runtime for one model": (
        changed(changed(RUNTIME, "  multiModel: true\n", ""), ENDPOINTS, ""),
        0,
        ["which ModelMesh Serving does not read"],
    ),
    "runtime without endpoints": (changed(RUNTIME, ENDPOINTS, ""), 2, ["spec.grpcEndpoint: missing, expected"]),
    "runtime of nothing": (
        "apiVersion: serving.kserve.io/v1alpha1\nkind: ServingRuntime\nmetadata: {name: a}\nspec: {}\n",
        2,
        ["spec.containers: missing"],
    ),
    "another inference graph": ("apiVersion: serving.kserve.io/v1alpha1\nkind: InferenceGraph\n", 0, ["not read"]),
    # Fields that are ignored, and those of KServe's webhook and dashboards.
    "replicas": (
        changed(SERVICE, "    model:\n", "    minReplicas: 1\n    model:\n"),
        1,
        ["6: ignored: spec.predictor.minReplicas: set, expected none: ModelMesh ignores it\n        models share"],
    ),
    "written by a webhook": (
        changed(
            SERVICE, "    model:\n", '    model:\n      name: ""\n      resources: {}\n      runtimeVersion: null\n'
        ),
        0,
        ["✓"],
    ),
    "unknown field": (
        changed(SERVICE, "      storage:", "      protocolversion: v2\n      storage:"),
        1,
        ["8: ignored: spec.predictor.model.protocolversion: unknown field", "        write protocolVersion"],
    ),
    "ignored and wrong": (
        changed(changed(SERVICE, "path: a", "path: ../a"), "    model:\n", "    timeout: 1\n    model:\n"),
        2,
        ["6: ignored: spec.predictor.timeout", "spec.predictor.model.storage.path"],
    ),
    # What kubectl refuses or merges.
    "key twice": (
        changed(SERVICE, "      storage:", "      storage: {}\n      storage:"),
        2,
        ["9: cannot work: spec.predictor.model.storage: twice, expected each key once"],
    ),
    "key of another object twice": ("kind: Deployment\nspec: {}\nspec: {}\n", 2, ["3: cannot work: spec: twice"]),
    "object twice": (
        f"{SERVICE}---\n{SERVICE}",
        1,
        ["ignored: metadata.name: 'mine', expected each object once; this one replaces that of line 1"],
    ),
    "two namespaces": (f"{SERVICE}---\n{changed(SERVICE, 'name: mine', 'name: mine, namespace: b')}", 0, ["b/mine"]),
    # Files.
    "no YAML": ("a: [", 2, [":2: cannot work: file: not YAML"]),
    "template": (f"a: {{{{ .b }}}}\n---\n{SERVICE}", 2, ["cannot work: file: not YAML", "✓"]),
    "nothing": ("# a comment\n", 2, ["1: cannot work: file: empty"]),
    "stray text": (f"stray\n---\n{SERVICE}", 2, ["1: cannot work: object: str, expected a Kubernetes obj", "✓"]),
    # Lists.
    "list": (
        "kind: List\nitems:\n- kind: ServingRuntime\n",
        2,
        ["3: cannot work: apiVersion: missing", "spec: missing"],
    ),
    "list of nothing": ("kind: List\nitems: []\n", 0, []),
    "list of a number": ("kind: List\nitems: 5\n", 2, ["2: cannot work: items: int, expected a list of objects"]),
    "number in a list": ("kind: List\nitems: [1]\n", 2, ["cannot work: object: int, expected a Kubernetes object"]),
    "list with a key twice": ("kind: List\nitems: []\nitems: []\n", 2, ["3: cannot work: items: twice"]),
    "typed list": (
        "apiVersion: serving.kserve.io/v1alpha1\nkind: ServingRuntimeList\nitems:\n- metadata: {name: a}\n",
        2,
        ["4: cannot work: spec: missing, expected a mapping"],
    ),
    # Parts of an object.
    "no metadata": (
        "apiVersion: serving.kserve.io/v1alpha1\nkind: Predictor\n",
        2,
        ["metadata: missing, expected a ma"],
    ),
    "metadata of a number": (changed(RUNTIME, "{name: mine}", "5"), 2, ["metadata: 5, expected a mapping"]),
    "spec of a number": (
        "apiVersion: serving.kserve.io/v1alpha1\nkind: Predictor\nmetadata: {name: a}\nspec: 5\n",
        2,
        ["4: cannot work: spec: 5, expected a mapping"],
    ),
    "no name": (changed(PREDICTOR, "{name: mine}", "{}"), 2, ["metadata.name: missing, expected a text"]),
    "namespace of a number": (
        changed(RUNTIME, "name: mine", "name: mine, namespace: 5"),
        2,
        ["3: cannot work: metadata.namespace: 5, expected a text"],
    ),
    "label of a number": (
        changed(RUNTIME, "name: mine", "name: mine, labels: {5: a}"),
        2,
        ["metadata.labels.5: 'a', expected a text"],
    ),
    "name of a number": (changed(RUNTIME, "name: mine", "name: 5"), 2, ["3: cannot work: metadata.name: 5, expected"]),
    "number in an annotation": (
        changed(SERVICE, "ModelMesh}", "ModelMesh, a: 1}"),
        2,
        ["3: cannot work: metadata.annotations.a: 1, expected a text"],
    ),
    "text for labels": (
        changed(RUNTIME, "name: mine}", "name: mine, labels: x}"),
        2,
        ["metadata.labels: 'x', expected a"],
    ),
    "no containers": (
        changed(RUNTIME, "  containers: [{name: own, image: own}]\n", ""),
        2,
        ["spec.containers: missing"],
    ),
    "no image": (changed(RUNTIME, ", image: own", ""), 2, ["9: cannot work: spec.containers[0].image: missing"]),
    "no valid image": (changed(RUNTIME, "image: own", "image: <own>"), 2, ["spec.containers[0].image: '<own>', exp"]),
    # Predictors.
    "predictor without storage": (
        changed(PREDICTOR, "  storage: {key: models, path: a}\n", "  path: a\n"),
        2,
        ["cannot work: spec.storage: missing"],
    ),
    "predictor without path": (changed(PREDICTOR, ", path: a", ""), 2, ["6: cannot work: spec.storage.path: missing"]),
    "predictor with two paths": (
        f"{PREDICTOR}  path: b\n",
        2,
        ["7: cannot work: spec.path: 'b', expected none beside"],
    ),
    "predictor with a bad old path": (
        changed(PREDICTOR, "{key: models, path: a}", "{s3: {secretKey: a}}\n  path: s3://b/c"),
        2,
        ["7: cannot work: spec.path: 's3://b/c', expected a path in the store\n        put a URI into storageUri"],
    ),
    "predictor with both forms": (
        changed(PREDICTOR, "key: models", "key: models, s3: {secretKey: a}"),
        2,
        ["spec.storage.s3: set, expected none beside key, path"],
    ),
    "predictor with a claim": (
        changed(PREDICTOR, "key: models", "persistentVolumeClaim: {claimName: a}"),
        2,
        ["persistentVolumeClaim: set, expected none: ModelMesh refuses it\n        set storage.parameters"],
    ),
    "predictor with containers": (
        f"{PREDICTOR}  containers: [{{name: a}}]\n",
        1,
        ["7: ignored: spec.containers: unknown field"],
    ),
    "predictor with a GPU": (f"{PREDICTOR}  gpu: required\n", 1, ["7: ignored: spec.gpu: 'required', expected none"]),
    "predictor with a protocol": (
        f"{PREDICTOR}  protocolVersion: v3\n",
        2,
        ["spec.protocolVersion: 'v3', expected one"],
    ),
    # The storage Secret.
    "broken JSON": (
        changed(STORAGE, '"certificate": ""}', ""),
        2,
        ["5: cannot work: stringData.models: (not shown), expected a JSON object", "stops all runtimes"],
    ),
    "nested JSON": (
        changed(STORAGE, '""}', "{}}"),
        2,
        ["stringData.models: (not shown), expected a JSON object of texts"],
    ),
    "no base64": (
        changed(STORAGE, "stringData", "data"),
        2,
        ["data.models: (not shown), expected the base64 encoding of"],
    ),
    "no texts": ("apiVersion: v1\nkind: Secret\nmetadata: {name: storage-config}\ndata: 5\n", 2, ["data: (not shown)"]),
    "no key": (changed(STORAGE, '"access_key_id": "user", ', ""), 2, ["stringData.models.access_key_id: missing"]),
    "bad URL": (
        changed(STORAGE, "http://minio", "minio"),
        2,
        ["7: cannot work: stringData.models.endpoint_url: 'minio:9000', expected http://<host>"],
    ),
    "unknown field of a store": (
        changed(STORAGE, '"region"', '"foo": "bar", "region"'),
        1,
        ["7: ignored: stringData.models.foo: unknown field, expected one that s3 storage has"],
    ),
    "Secret without a version": (
        changed(STORAGE, "apiVersion: v1\n", ""),
        2,
        ["1: cannot work: apiVersion: missing, expected v1"],
    ),
    "Secret of another group": (
        changed(STORAGE, "apiVersion: v1", "apiVersion: example.com/v1"),
        0,
        ["which ModelMesh Serving does not read"],
    ),
    "another Secret": (
        changed(STORAGE, "storage-config", "other"),
        0,
        ["Secret other, which ModelMesh Serving does not"],
    ),
    # The configuration.
    "no configuration": (changed(CONFIG, "config.yaml", "config"), 2, ['cannot work: data["config.yaml"]: missing']),
    "configuration that is no YAML": (changed(CONFIG, 'podsPerRuntime: "1"', "a: ["), 2, ["not YAML"]),
    "configuration that is a text": (changed(CONFIG, "|\n", "text\n  other: |\n"), 2, ["'text', expected a mapping"]),
    "another file beside the configuration": (
        changed(CONFIG, "data:\n", "data:\n  config.yml: a\n"),
        1,
        ['ignored: data["config.yml"]: (not shown), expected none: ModelMesh reads only config.yaml'],
    ),
    "wrong type": (changed(CONFIG, '"1"', "two"), 2, ["6: cannot work: data[\"config.yaml\"].podsPerRuntime: 'two'"]),
    "no value": (changed(CONFIG, ' "1"', ""), 0, ["✓"]),
    "wrong value": (changed(CONFIG, '"1"', "0"), 2, ['data["config.yaml"].podsPerRuntime: 0, expected 1 to 65535']),
    "list for a text": (
        f"{CONFIG}    inferenceServiceName: [a]\n",
        2,
        ["inferenceServiceName: ['a'], expected a text"],
    ),
    "text for a list": (f"{CONFIG}    builtInServerTypes: ovms\n", 2, ["builtInServerTypes: 'ovms', expected a list"]),
    "mapping of texts": (f"{CONFIG}    runtimePodLabels: {{a: b, c: 1}}\n", 0, ["✓"]),
    "list in a mapping of texts": (
        f"{CONFIG}    runtimePodLabels: {{a: b, c: [d]}}\n",
        2,
        ["runtimePodLabels: {'a': 'b', 'c': ['d']}, expected a mapping of texts"],
    ),
    "text for a mapping": (
        changed(CONFIG, "metrics:\n      port", "metrics: 1\n    b"),
        2,
        ["metrics: 1, expected a map"],
    ),
    "unknown key": (
        changed(CONFIG, "podsPerRuntime", "podPerRuntime"),
        1,
        ['6: ignored: data["config.yaml"].podPerRuntime: (not shown)', "        write podsPerRuntime"],
    ),
    "other case": (changed(CONFIG, "podsPerRuntime", "podsperruntime"), 0, ["✓"]),
    "port of the mesh": (
        changed(CONFIG, "2113", "8080"),
        2,
        ['8: cannot work: data["config.yaml"].metrics.port: 8080, expected a port that no container'],
    ),
    "port of the mesh, in use": (changed(CONFIG, "port: 2113", "{enabled: T, port: 8080}"), 2, ["metrics.port: 8080"]),
    "port of the mesh, not in use": (changed(CONFIG, "port: 2113", "{enabled: f, port: 8080}"), 0, ["✓"]),
    "port of the mesh for the REST proxy": (
        f"{CONFIG}    restProxy: {{port: 8080}}\n",
        2,
        ["restProxy.port: 8080, exp"],
    ),
    "grace period": (
        f"{CONFIG}    scaleToZero: {{gracePeriodSeconds: 65536}}\n",
        2,
        ["scaleToZero.gracePeriodSeconds: 65536, expected 0 to 65535"],
    ),
    "memory below the request": (
        f"{CONFIG}    modelMeshResources: {{requests: {{memory: 1Gi}}}}\n",
        2,
        ["9: cannot work: data[\"config.yaml\"].modelMeshResources.limits.memory: '448Mi', expected at least"],
    ),
    "variable of the controller": (
        f"{CONFIG}    internalModelMeshEnvVars: [{{name: MM_SVC_GRPC_PORT, value: x}}]\n",
        1,
        ['expected data["config.yaml"].inferenceServicePort, from which the controller sets this variable'],
    ),
    "processor with a blank": (
        f"{CONFIG}    payloadProcessors: [http://a/b c]\n",
        2,
        ["expected a URI without blanks"],
    ),
    "processor of another scheme": (f"{CONFIG}    payloadProcessors: [https://a/]\n", 2, ["expected logger or http"]),
    "processor at no port": (f"{CONFIG}    payloadProcessors: [http://a:0/]\n", 2, ["].port: 0, expected 1 to 65535"]),
    "processors of other models and methods": (
        f'{CONFIG}    payloadProcessors: ["http://a/?b#c", "http://a/?b#d", "http://a/?e#d"]\n',
        0,
        ["✓"],
    ),
    "pull secret without a name": (f"{CONFIG}    imagePullSecrets: [a]\n", 2, ["expected a mapping with a name"]),
}


@pytest.mark.parametrize(("text", "code", "messages"), MISTAKES.values(), ids=MISTAKES)
def test_each_mistake_is_told_with_its_line(
    tmp_path: Path, text: str, code: int, messages: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "with a blank.yaml"
    file.write_text(text)
    assert checked(f"'{file}'") == code
    printed = capsys.readouterr().out
    assert [message for message in messages if message not in printed] == [], printed


def test_a_document_is_checked_for_the_installation_that_it_is_for() -> None:
    document = yaml.safe_load(RUNTIME)
    assert checks.check(document) == []
    (problem,) = checks.check(document, ServingConfig(images=Images.of(), service_name="x" * 60))
    assert str(problem).startswith("metadata.name: 'mine', expected a name that is 2 characters shorter")


def test_only_the_missing_mode_is_told_of_a_service_that_may_be_kserves_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = changed(SERVICE, ", annotations: {serving.kserve.io/deploymentMode: ModelMesh}", "")
    (tmp_path / "a.yaml").write_text(changed(service, "    model:\n", "    minReplicas: 1\n    model:\n"))
    assert checked(str(tmp_path), output="json") == 1
    (problem,) = json.loads(capsys.readouterr().out)
    assert problem["path"] == 'metadata.annotations["serving.kserve.io/deploymentMode"]'


WHOLE_RUNTIME = """\
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata: {name: mine, namespace: a, labels: {a: b}, annotations: {serving.kserve.io/autoscalerClass: hpa}}
spec:
  multiModel: true
  replicas: 1
  labels: {a: b}
  annotations: {a: b}
  protocolVersions: [grpc-v2]
  nodeSelector: {a: b}
  imagePullSecrets: [{name: a}]
  supportedModelFormats: [{name: own, version: "1", autoSelect: true, priority: 1}]
  grpcEndpoint: port:8085
  grpcDataEndpoint: port:8001
  storageHelper: {disabled: false}
  volumes: [{name: a, emptyDir: {}}]
  containers:
    - name: mlserver
      image: own
      env: [{name: MLSERVER_GRPC_PORT, value: "8001"}]
      ports: [{name: a, containerPort: 8001}]
      volumeMounts: [{name: a, mountPath: /a}]
      resources: {requests: {memory: 1Gi, cpu: 1}, limits: {memory: 1Gi}}
  builtInAdapter:
    serverType: mlserver
    runtimeManagementPort: 8001
    memBufferBytes: 134217728
    modelLoadingTimeoutMillis: 90000
    env: [{name: A, value: b}]
"""
WHOLE_SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: mine, annotations: {serving.kserve.io/deploymentMode: ModelMesh, serving.kserve.io/secretKey: a}}
spec:
  predictor:
    model:
      modelFormat: {name: sklearn, version: "1"}
      storage: {key: models, schemaPath: b, parameters: {bucket: b}}
      storageUri: s3://a/b
      runtime: a
      protocolVersion: v2
"""
WHOLE_CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: model-serving-config}
data: {config.yaml: ""}
"""
WHOLE_FILE = """\
inferenceServicePort: 8033
metrics: {port: 2112, scheme: https}
restProxy: {port: 8008, resources: {requests: {cpu: 50m}}, image: {name: a, command: [b]}}
scaleToZero: {enabled: true, gracePeriodSeconds: 60}
runtimePodLabels: {a: b}
runtimePodAnnotations: {a: b}
imagePullSecrets: [{name: a}]
builtInServerTypes: [triton]
payloadProcessors: ["http://a:1/b?c#d"]
internalModelMeshEnvVars: [{name: A, value: b}]
modelMeshEndpoint: a
"""
ODD: tuple[Any, ...] = (None, True, -1, 1.5, "", "x y", [], {}, [5], [{}], {"a": 5}, {5: "a"})


def variants(value: Any) -> Iterator[Any]:
    """The value with each part of it replaced by each odd one."""
    yield from ODD
    parts = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value) if isinstance(value, list) else ())
    )
    for key, part in list(parts):
        for variant in variants(part):
            copy = dict(value) if isinstance(value, dict) else list(value)
            copy[key] = variant
            yield copy


@pytest.mark.parametrize("text", [WHOLE_RUNTIME, WHOLE_SERVICE, PREDICTOR, STORAGE, CONFIG, WHOLE_FILE])
def test_no_document_ends_the_check_with_a_traceback(text: str) -> None:
    parsed = yaml.safe_load(
        text.replace("{key: models, path: a}\n        schema", "\n        key: models\n        schema")
    )
    for document in variants(parsed):
        if text is WHOLE_FILE:
            whole = yaml.safe_load(WHOLE_CONFIG)
            whole["data"]["config.yaml"] = yaml.safe_dump(document)
            checks.check(whole)
        elif isinstance(document, dict) and checks.is_read(document):
            assert all(str(problem) for problem in checks.check(document))


def test_good_objects_of_each_kind_are_found_in_files_folders_lists_and_standard_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "below").mkdir()
    for index, text in enumerate(GOOD):
        (tmp_path / "below" / f"{index}.yml").write_text(text)
    (tmp_path / "text.txt").write_text("a: [")
    entries = "".join("\n- " + text.rstrip().replace("\n", "\n  ") for text in GOOD)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"kind: List\nitems:{entries}\n"))
    assert checked(f"{tmp_path} -") == 0
    assert capsys.readouterr().out.count("✓") == 2 * len(GOOD)


def test_a_file_that_does_not_exist_and_no_file_at_all_are_errors(tmp_path: Path) -> None:
    assert checked(str(tmp_path / "absent.yaml")) == 2
    with pytest.raises(CheckError, match="name files"):
        check(Namespace(files="", output="text"))


WRONG = changed(changed(SERVICE, "path: a", "path: 's3://b, 100%'"), "    model:\n", "    timeout: 1\n    model:\n")


def test_problems_are_printed_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text(WRONG)
    assert checked(str(tmp_path / "a.yaml"), output="json") == 2
    ignored, wrong = json.loads(capsys.readouterr().out)
    assert wrong == {
        "file": str(tmp_path / "a.yaml"),
        "line": 9,
        "object": "InferenceService mine",
        "path": "spec.predictor.model.storage.path",
        "value": "'s3://b, 100%'",
        "expected": "a path in the store",
        "cure": "put a URI into storageUri",
        "effect": "cannot work",
    }
    assert ignored["effect"] == "ignored"
    (tmp_path / "a.yaml").write_text(SERVICE)
    assert checked(str(tmp_path / "a.yaml"), output="json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_problems_are_printed_as_annotations_of_a_pull_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a, b.yaml").write_text(WRONG)
    assert checked("'a, b.yaml'", output="github") == 2
    warning, error = capsys.readouterr().out.splitlines()
    assert warning.startswith("::warning file=a%2C b.yaml,line=6,title=InferenceService mine::spec.predictor.timeout: ")
    assert error == (
        "::error file=a%2C b.yaml,line=9,title=InferenceService mine::spec.predictor.model.storage.path: "
        "'s3://b, 100%25', expected a path in the store; put a URI into storageUri"
    )


UPSTREAM = {
    "config/samples/predictor_custom_complete.yaml": (2, "24: cannot work: spec.storage.persistentVolumeClaim: set"),
    "fvt/testdata/predictors/no-storage-predictor.yaml": (2, "18: cannot work: spec.storage: missing"),
    "fvt/testdata/runtimes/non-mm-runtime.yaml": (0, "which ModelMesh Serving does not read"),
    "config/default/config-defaults.yaml": (0, "which ModelMesh Serving does not read"),
}
"""Exit codes and messages of upstream's files that are not all good."""
FOLDERS = ("config", "fvt/testdata")


def test_upstreams_tree_is_good_but_for_what_upstream_meant_to_be_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    files = [file for folder in FOLDERS for file in sorted((tree() / folder).rglob("*.yaml"))]
    found = {}
    for file in files:
        code = checked(shlex.quote(str(file)))
        found[file.relative_to(tree()).as_posix()] = (code, capsys.readouterr().out)
    assert {name: code for name, (code, _) in found.items() if code} == {
        name: code for name, (code, _) in UPSTREAM.items() if code
    }
    for name, (_, message) in UPSTREAM.items():
        assert message in found[name][1]
    assert sum(output.count("✓") for _, output in found.values()) == 50


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ("it's.yaml", "No closing quotation in it's.yaml"),
        ("", "name files, folders or - for standard input"),
        ("''", "name files, folders or - for standard input"),
        ("empty", "expected files that end with .yaml, .yml, .json in empty, found none"),
    ],
)
def test_files_that_cannot_be_meant_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    with pytest.raises(CheckError, match=re.escape(expected)) as caught:
        check(Namespace(files=files, output="text"))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["- password: hush\n", "kind: List\nitems: {password: hush}\n"])
def test_a_file_of_something_else_is_not_quoted(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(text)
    assert checked(str(file)) == 2
    assert "hush" not in capsys.readouterr().out


@pytest.mark.parametrize("value", ["12345", "{password: 12345}"])
def test_a_variable_of_a_wrong_type_is_not_quoted(
    value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file.yaml"
    container = f"{{name: c, image: d, env: [{{name: TOKEN, value: {value}}}]}}"
    file.write_text(
        "apiVersion: serving.kserve.io/v1alpha1\nkind: ServingRuntime\nmetadata: {name: a}\n"
        f"spec: {{supportedModelFormats: [{{name: b}}], multiModel: true, containers: [{container}]}}\n"
    )
    assert checked(str(file)) == 2
    shown = capsys.readouterr().out
    assert "spec.containers[0].env[0].value: (not shown), expected a value of type string" in shown
    assert "12345" not in shown
