"""The policy pack: registers each rule as a validation policy of Pulumi's framework.

The rules are independent of the framework. Its exception on reading an unknown value is converted to the value
`UNKNOWN`, so that the rest of the resource is validated nevertheless.

The framework unpacks each resource once per policy, and once more for remediations, of which there are none here. For
the largest of upstream's CRDs that takes more than half a second, during which the engine waits. So each resource is
unpacked once, and only if a rule reads its properties.
"""

import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pulumi_policy.policy as framework
from google.protobuf import json_format
from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError
from rules import POLICIES, STACK_POLICIES
from rules.policy import Policy, StackPolicy
from rules.reading import UNKNOWN
from rules.resource import Resource


def _registered(policy: Policy) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = Resource(token=args.resource_type, urn=args.urn, properties=_read(args.props))
        for violation in policy.violations(resource, args.get_config()):
            report(violation, None)

    return ResourceValidationPolicy(validate=validate, **_described(policy))


def _registered_for_stacks(policy: StackPolicy) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        resources = (
            Resource(token=each.resource_type, urn=each.urn, properties=_plain(each.props)) for each in args.resources
        )
        for violation in policy.violations(resources, args.get_config()):
            report(violation, None)

    return StackValidationPolicy(validate=validate, **_described(policy))


def _described(policy: Policy | StackPolicy) -> dict[str, Any]:
    return {
        "name": policy.name,
        "description": policy.description,
        "enforcement_level": EnforcementLevel(policy.level),
        "config_schema": PolicyConfigSchema({name: setting.schema() for name, setting in policy.settings.items()}),
    }


class _Unpacked(Mapping[str, Any]):
    """The mapping that `unpack` returns, which is called when it is first read."""

    def __init__(self, unpack: Callable[[], Mapping[str, Any]]) -> None:
        self._unpack = unpack

    @functools.cached_property
    def content(self) -> Mapping[str, Any]:
        """The mapping itself."""
        return self._unpack()

    def __getitem__(self, key: str) -> Any:
        return self.content[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.content)

    def __len__(self) -> int:
        return len(self.content)

    def copy(self) -> dict[str, Any]:
        """A copy, which the framework makes of each policy's settings."""
        return dict(self.content)


def _once_if_read(function: Callable[..., Mapping[str, Any]]) -> Callable[..., _Unpacked]:
    """Call the function when its result is first read; each thread keeps the last one, by identity of the argument."""
    last = threading.local()

    def answer(value: Any, *flags: bool) -> _Unpacked:
        if getattr(last, "asked", None) != (id(value), flags):
            last.result = _Unpacked(lambda: function(value.content if isinstance(value, _Unpacked) else value, *flags))
            last.asked, last.value = (id(value), flags), value  # keeps the value alive, so that no other gets its id
        result: _Unpacked = last.result
        return result

    return answer


def _plain(value: Any) -> Any:
    """The value as plain mappings and lists."""
    if isinstance(value, Mapping):
        return {key: _entry(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_entry(value, index) for index in range(len(value))]
    return value


def _entry(value: Any, key: Any) -> Any:
    try:
        return _plain(value[key])
    except UnknownValueError:
        return UNKNOWN


_read = _once_if_read(_plain)
# The results are shared, which is safe because no rule modifies them.
framework.json_format = SimpleNamespace(MessageToDict=_once_if_read(json_format.MessageToDict))
framework.deserialize_properties = _once_if_read(framework.deserialize_properties)
framework.unknown_checking_proxy = _once_if_read(framework.unknown_checking_proxy)

PolicyPack("modelmesh", [*map(_registered, POLICIES), *map(_registered_for_stacks, STACK_POLICIES)])
