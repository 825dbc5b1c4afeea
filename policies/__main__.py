"""The policy pack: each rule as a policy of Pulumi's framework, asked about every resource before it is made.

The rules know nothing of the framework. What it raises on reading a value that is not known yet becomes a value of its
own here, so that the rest of the resource is looked at all the same.

The framework unpacks a resource anew for each policy. For the largest of upstream's definitions that takes half a
second and more, in which the engine makes nothing else; so the last one is remembered.
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
)
from pulumi_policy.proxy import UnknownValueError
from rules import POLICIES
from rules.policy import Policy
from rules.reading import UNKNOWN
from rules.resource import Resource


def _registered(policy: Policy) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = Resource(token=args.resource_type, urn=args.urn, properties=_read(args.props))
        for violation in policy.violations(resource, args.get_config()):
            report(violation, None)

    return ResourceValidationPolicy(
        name=policy.name,
        description=policy.description,
        validate=validate,
        enforcement_level=EnforcementLevel(policy.level),
        config_schema=PolicyConfigSchema({name: setting.schema() for name, setting in policy.settings.items()}),
    )


def _remembering(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which answers at once when a thread asks for the same object once more."""
    last = threading.local()

    def answer(value: Any, *flags: bool) -> Any:
        if getattr(last, "asked", None) != (id(value), flags):
            last.result = function(value, *flags)
            last.asked, last.value = (id(value), flags), value  # which is held, so that no other takes its identity
        return last.result

    return answer


@_remembering
def _read(value: Any) -> Any:
    """The value in plain mappings and lists."""
    return _plain(value)


def _plain(value: Any) -> Any:
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


# No rule changes what it reads.
framework.json_format = SimpleNamespace(MessageToDict=_remembering(json_format.MessageToDict))
framework.deserialize_properties = _remembering(framework.deserialize_properties)
framework.unknown_checking_proxy = _remembering(framework.unknown_checking_proxy)

PolicyPack("modelmesh", [_registered(policy) for policy in POLICIES])
