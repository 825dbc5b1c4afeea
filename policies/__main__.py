"""The policy pack: each rule as a policy of Pulumi's framework, asked about every resource before it is made.

The rules know nothing of the framework. What it raises on reading a value that is not known yet becomes a value of its
own here, so that the rest of the resource is looked at all the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any

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


def _read(value: Any) -> Any:
    """The value in plain mappings and lists."""
    if isinstance(value, Mapping):
        return {key: _entry(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_entry(value, index) for index in range(len(value))]
    return value


def _entry(value: Any, key: Any) -> Any:
    try:
        return _read(value[key])
    except UnknownValueError:
        return UNKNOWN


PolicyPack("modelmesh", [_registered(policy) for policy in POLICIES])
