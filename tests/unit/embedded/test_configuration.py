import json
import os
import tomllib
from pathlib import Path

import pytest

from embedded import builder, configuration, registry
from embedded.instance import Instance


def test_containerd_keeps_everything_in_the_data_folder(node: Instance) -> None:
    config = tomllib.loads(configuration.containerd(node, "r/pause:1"))
    cri = config["plugins"]["io.containerd.grpc.v1.cri"]
    for path in (config["root"], config["state"], config["grpc"]["address"], cri["cni"]["conf_dir"]):
        assert Path(path).is_relative_to(node.data), path
    assert cri["sandbox_image"] == "r/pause:1"
    assert cri["restrict_oom_score_adj"]
    assert cri["netns_mounts_under_state_dir"]


def test_the_registry_is_plain_http_for_runtime_and_builder(node: Instance) -> None:
    hosts = tomllib.loads(configuration.registry_host(node))
    assert list(hosts["host"]) == [f"http://{node.registry}"]
    assert tomllib.loads(builder.configuration(node))["registry"] == {node.registry: {"http": True}}


def test_nothing_listens_but_on_loopback_or_the_nodes_address(node: Instance) -> None:
    pki = Path("/p")
    kubelet = configuration.kubelet(node, authority=pki, certificate=pki, key=pki)
    proxy = configuration.kube_proxy(node, pki)
    http = registry.configuration(node)["http"]
    own = str(node.node_address)
    assert kubelet["address"] == proxy["bindAddress"] == own
    assert http == {"addr": f"{own}:5000"}
    corefile = configuration.coredns(node, pki)
    assert corefile.count(f"bind {own}\n") == corefile.count(" {\n    bind") > 1
    assert str(proxy["healthzBindAddress"]).startswith("127.0.0.1:")
    assert str(proxy["metricsBindAddress"]).startswith("127.0.0.1:")


def test_pods_and_builds_are_below_the_one_control_group(node: Instance) -> None:
    pki = Path("/p")
    assert configuration.kubelet(node, authority=pki, certificate=pki, key=pki)["cgroupRoot"] == "/modelmesh-test"
    worker = tomllib.loads(builder.configuration(node))["worker"]["oci"]
    assert worker["defaultCgroupParent"] == "modelmesh-test/build"


def test_addresses_of_pods_are_kept_in_the_data_folder(node: Instance) -> None:
    bridge = json.loads(configuration.cni(node))["plugins"][0]
    assert Path(bridge["ipam"]["dataDir"]).is_relative_to(node.data)


def test_nobody_unknown_gets_at_kubelet(node: Instance) -> None:
    pki = Path("/p")
    kubelet = configuration.kubelet(node, authority=pki, certificate=pki, key=pki)
    assert kubelet["authentication"] == {
        "anonymous": {"enabled": False}, "webhook": {"enabled": True}, "x509": {"clientCAFile": "/p"},
    }  # fmt: skip


def test_secrets_are_encrypted_first_and_read_in_plain_only_if_they_were_written_so() -> None:
    providers = json.loads(json.dumps(configuration.encryption("c2VjcmV0")))["resources"][0]["providers"]
    assert list(providers[0]) == ["secretbox"]
    assert providers[-1] == {"identity": {}}


def test_buildx_finds_the_builder_at_its_socket(node: Instance) -> None:
    folder = builder.docker_config(node)
    described = json.loads((folder / "buildx/instances/embedded-test").read_text())
    assert described["Driver"] == "remote"
    assert [one["Endpoint"] for one in described["Nodes"]] == [f"unix://{node.builder_socket}"]


def test_builds_use_the_user_s_proxy_for_everything_but_the_node(
    node: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    config = builder.docker_config(node) / "config.json"
    assert not builder.process(node, Path("/bin"), ()).environ
    assert json.loads(config.read_text()) == {}
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "intranet.example")
    listed = f"intranet.example,localhost,127.0.0.1,::1,{node.node_address}"
    assert builder.process(node, Path("/bin"), ()).environ == {
        "https_proxy": "http://proxy.example:3128",
        "HTTPS_PROXY": "http://proxy.example:3128",
        "no_proxy": listed,
        "NO_PROXY": listed,
    }
    builder.docker_config(node)
    expected = {"httpsProxy": "http://proxy.example:3128", "noProxy": listed}
    assert json.loads(config.read_text()) == {"proxies": {"default": expected}}
