"""The policy pack: registers each rule as a validation policy of Pulumi's framework.

The rules are independent of the framework. Its exception on reading an unknown value is converted to the value
`UNKNOWN`, so that the rest of the resource is validated nevertheless.

The framework unpacks each resource once per policy. For the largest of upstream's CRDs that takes more than half a
second, during which the engine waits; so the last result is cached.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
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


def _last_result_cached(function: Callable[..., Any]) -> Callable[..., Any]:
    """Cache of the last result in each thread, by the identity of the argument."""
    last = threading.local()

    def answer(value: Any, *flags: bool) -> Any:
        if getattr(last, "asked", None) != (id(value), flags):
            last.result = function(value, *flags)
            last.asked, last.value = (id(value), flags), value  # keeps the value alive, so that no other gets its id
        return last.result

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


_read = _last_result_cached(_plain)
# The cached results are shared, which is safe because no rule modifies them.
framework.json_format = SimpleNamespace(MessageToDict=_last_result_cached(json_format.MessageToDict))
framework.deserialize_properties = _last_result_cached(framework.deserialize_properties)
framework.unknown_checking_proxy = _last_result_cached(framework.unknown_checking_proxy)

PolicyPack("modelmesh", [*map(_registered, POLICIES), *map(_registered_for_stacks, STACK_POLICIES)])
