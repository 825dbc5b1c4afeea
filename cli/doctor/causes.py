"""Causes of failed loads that ModelMesh's messages have in their own words, and what to do about each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A cause of failed loads."""

    message: re.Pattern[str]
    """Matches the reason and the message of the failure; causes that are read elsewhere match none."""
    problem: str
    """The cause as a sentence without its full stop; groups of the match can be in braces."""
    advice: str
    """Change to make; `{file}` is the stack's file."""
    target: str = "up"
    """Target of the Makefile that comes after the change; empty if another finding has the command."""


_NEVER = re.compile(r"(?!)")
_RUNTIME_FIRST = "Mend the pods of the runtime first: see the section Runtimes"
_ANOTHER_RUNTIME = "Name a runtime of the section Runtimes, or a format that one of them has"
_UNKNOWN = Cause(
    message=_NEVER, problem="the model cannot be loaded", advice="Correct the model's files or its runtime"
)
UNREGISTERED = Cause(
    message=_NEVER,
    problem="ModelMesh Serving's controller has not registered it yet",
    advice="Mend the controller first if it is not well, else wait a minute",
    target="doctor",
)
WITHOUT_RUNTIME = Cause(message=_NEVER, problem="no enabled runtime takes it", advice=_ANOTHER_RUNTIME)
WITHOUT_POD = Cause(message=_NEVER, problem="its runtime has no ready pod", advice=_RUNTIME_FIRST, target="")
UNFINISHED = Cause(
    message=_NEVER, problem="its model is being loaded", advice="Look again in a minute", target="doctor"
)
_CAUSES = (
    Cause(
        message=re.compile(r"Storage secretKey not found: (?P<key>\S+)"),
        problem="its storage key {key} is not in the namespace's storage Secret",
        advice="Name a storage key that exists in modelmesh:storageKey of {file}, or add the store",
    ),
    Cause(
        message=re.compile(r"SignatureDoesNotMatch|InvalidAccessKeyId|AccessDenied|status code: 403"),
        problem="the store refuses the credentials of its storage key",
        advice="Correct the access key of the store; that of the stack's own MinIO is restored by an update",
    ),
    Cause(
        message=re.compile(r"connection refused|no such host|RequestError: send request failed|i/o timeout"),
        problem="the store does not answer",
        advice="Bring the store back: see the section Stores, or the endpoint of modelmesh:s3 in {file}",
    ),
    Cause(
        message=re.compile(r"NoSuchBucket|Error calling stat on \S+: stat \S+: no such file"),
        problem="the store has no object at its path",
        advice="Publish the model again, or correct its path",
    ),
    Cause(
        message=re.compile(r"NoSupportingRuntime|RuntimeNotRecognized"),
        problem="no running pod has a runtime for its model format",
        advice=_ANOTHER_RUNTIME,
    ),
    Cause(
        message=re.compile(r"RuntimeUnhealthy"),
        problem="its runtime has no pod that answers",
        advice=_RUNTIME_FIRST,
        target="",
    ),
    Cause(
        message=re.compile(r"[Cc]hurn threshold|exceeds capacity|too large"),
        problem="the pods of its runtime have no room for it",
        advice="Raise modelmesh:runtimeMemory in {file}, or add pods",
    ),
)


def cause(failure: Mapping[str, str]) -> Cause:
    """Return the cause of a failed load, with the values of the message in its problem."""
    text = f"{failure.get('reason', '')}: {failure.get('message', '')}"
    matched = ((each, found) for each in _CAUSES if (found := each.message.search(text)))
    return next((replace(each, problem=each.problem.format(**found.groupdict())) for each, found in matched), _UNKNOWN)
