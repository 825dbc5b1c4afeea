import json
import subprocess
from pathlib import Path

import yaml

from embedded import files, identities, lifecycle, volumes
from embedded.api import Api
from embedded.instance import Instance
from embedded.parts import Parts


class Recorder(Api):
    """An API that takes everything and remembers where it was put."""

    def __init__(self) -> None:
        self.put: list[tuple[str, object]] = []

    def put_once(self, path: str, document: object) -> None:
        self.put.append((path, document))


def run(script: str, folder: Path) -> None:
    """Run as in the pod: arguments that tell the same as the environment come along."""
    path = files.write(folder.parent / script, volumes.SCRIPTS[script], mode=0o700)
    arguments = ["-p", str(folder), "-s", "1", "-m", "Filesystem", "-a", "create"]
    subprocess.run([path, *arguments], env={"PATH": "/usr/bin:/bin", "VOL_DIR": str(folder)}, umask=0o077, check=True)
    path.unlink()


def test_a_claim_that_names_no_class_gets_the_provisioners_where_its_pod_runs() -> None:
    made = json.loads(json.dumps(volumes.storage_class()))
    assert made["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"
    assert made["volumeBindingMode"] == "WaitForFirstConsumer"
    assert made["reclaimPolicy"] == "Delete"


def test_volumes_are_in_the_instances_data_and_on_its_node(node: Instance) -> None:
    (place,) = json.loads(volumes.configuration(node))["nodePathMap"]
    assert place["node"] == node.full_name
    assert [Path(path).is_relative_to(node.data) for path in place["paths"]] == [True]


def test_a_new_volume_is_writable_for_everybody_and_an_old_one_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "volumes/one"
    run("setup", folder)
    assert folder.stat().st_mode & 0o777 == 0o777
    (folder / "file").touch()
    run("setup", folder)
    assert (folder / "file").exists()


def test_a_volume_goes_with_all_that_is_in_it_and_no_other_goes(tmp_path: Path) -> None:
    for name in ("one", "one_more"):
        (tmp_path / name / "sub").mkdir(parents=True)
    run("teardown", tmp_path / "one")
    run("teardown", tmp_path / "one")  # the provisioner may ask again
    assert [path.name for path in tmp_path.iterdir()] == ["one_more"]


def test_the_pods_that_make_volumes_have_few_rights() -> None:
    spec = json.loads(json.dumps(volumes.helper_pod("r/i@sha256:aa", Path("/s"))))["spec"]
    (container,) = spec["containers"]
    assert container["image"] == "r/i@sha256:aa"
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["DAC_OVERRIDE", "FOWNER"]}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert not spec["automountServiceAccountToken"]


def test_the_provisioner_makes_pods_in_its_own_namespace_only() -> None:
    api = Recorder()
    volumes.declare(api)
    identities.grant(api)
    rules = {path: document["rules"] for path, document in api.put if "rules" in document}  # type: ignore[operator,index]
    (own,) = (path for path in rules if path.endswith("/roles"))
    assert f"/namespaces/{volumes.NAMESPACE}/" in own
    elsewhere = [rule for path, found in rules.items() if path != own for rule in found if "pods" in rule["resources"]]
    assert not any("create" in rule["verbs"] for rule in elsewhere)


def test_the_commands_are_scripts_that_the_pod_has(node: Instance, tmp_path: Path) -> None:
    parts = Parts(instance=node, ids=identities.ensure(node), bin=tmp_path, enter=(), pause_image="r/pause:1")
    flags = dict(word.split("=", 1) for word in parts.local_path_provisioner("r/i@sha256:aa").argv[2:])
    config = json.loads(Path(flags["--config"]).read_text())
    spec = yaml.safe_load(Path(flags["--helper-pod-file"]).read_text())["spec"]
    places = {volume["name"]: volume["hostPath"]["path"] for volume in spec["volumes"]}
    (mount,) = (m for m in spec["containers"][0]["volumeMounts"] if m["name"] in places)
    for command in (config["setupCommand"], config["teardownCommand"]):
        script = Path(places[mount["name"]], Path(command).relative_to(mount["mountPath"]))
        assert script.stat().st_mode & 0o111


def test_a_namespace_is_there_before_what_is_put_in_it() -> None:
    api = Recorder()
    volumes.declare(api)
    identities.grant(api)
    inside = [f"/namespaces/{volumes.NAMESPACE}/" in path for path, _ in api.put]
    assert any(inside)
    assert api.put[0][0] == "/api/v1/namespaces"


def test_the_provisioner_is_nobody_else_and_down_knows_it(node: Instance, tmp_path: Path) -> None:
    ids = identities.ensure(node)
    process = Parts(
        instance=node, ids=ids, bin=tmp_path, enter=(), pause_image="r/pause:1"
    ).local_path_provisioner("r/i@sha256:aa")  # fmt: skip
    assert process.name in lifecycle.PROCESSES
    assert f"--kubeconfig={ids.kubeconfigs['local-path-provisioner']}" in process.argv
    others = [path for name, path in ids.kubeconfigs.items() if name != process.name]
    assert all(path.read_text() != ids.kubeconfigs[process.name].read_text() for path in others)


def test_another_image_replaces_the_provisioner(node: Instance, tmp_path: Path) -> None:
    parts = Parts(instance=node, ids=identities.ensure(node), bin=tmp_path, enter=(), pause_image="r/pause:1")
    (tmp_path / "local-path-provisioner").touch()
    keys = {parts.local_path_provisioner(image).key for image in ("r/i@sha256:aa", "r/i@sha256:bb")}
    assert len(keys) == 2
