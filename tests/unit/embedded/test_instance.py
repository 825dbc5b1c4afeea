from pathlib import Path

import pytest

from embedded.errors import EmbeddedError
from embedded.instance import instance


def test_two_instances_have_nothing_but_the_cache_in_common() -> None:
    dev, test = instance("dev", {"HOME": "/h"}), instance("test", {"HOME": "/h"})
    assert dev.cache == test.cache == Path("/h/.cache/modelmesh-stack")
    assert not dev.link.overlaps(test.link)
    for name in ("data", "netns", "full_name", "host_interface", "registry", "api_server", "builder_name", "context"):
        assert getattr(dev, name) != getattr(test, name), name


def test_addresses_are_those_of_the_link() -> None:
    test = instance("test", {})
    assert (str(test.host_address), str(test.node_address)) == ("10.213.0.5", "10.213.0.6")
    assert test.registry == "10.213.0.6:5000"


def test_folders_and_network_can_be_moved() -> None:
    moved = instance("dev", {"MODELMESH_DATA": "/d", "MODELMESH_CACHE": "/c", "MODELMESH_NETWORK": "192.168.7.8/29"})
    assert (moved.data, moved.cache, str(moved.node_address)) == (Path("/d/dev"), Path("/c"), "192.168.7.10")


@pytest.mark.parametrize(
    "network", ["10.0.0.0/24", "8.8.8.8/29", "10.244.1.0/29", "10.96.0.0/29", "here", "10.0.0.1/29"]
)
def test_an_unusable_network_is_refused_with_what_is_allowed(network: str) -> None:
    with pytest.raises(EmbeddedError, match=r"MODELMESH_NETWORK is .*private IPv4 network of size /29"):
        instance("dev", {"MODELMESH_NETWORK": network})


def test_an_unknown_instance_is_refused_with_the_known_ones() -> None:
    with pytest.raises(EmbeddedError, match="dev, test"):
        instance("prod", {})


def test_names_of_interfaces_fit_the_kernels_15_characters() -> None:
    assert all(len(instance(name, {}).host_interface) <= 15 for name in ("dev", "test"))
