"""A report as JSON for programs, with every object that the page leaves out."""

import json
from dataclasses import asdict
from typing import Any

from cli.doctor.findings import Report, Severity


def document(report: Report) -> str:
    """Return the whole report."""
    return json.dumps(
        {
            "stack": report.stack,
            "severity": report.severity.name.lower(),
            "versions": report.versions,
            "outputs": dict(report.outputs),
            "findings": [_plain(asdict(finding)) for finding in report.findings()],
            "sections": {
                section.title: [_plain(asdict(line)) for line in section.lines] for section in report.sections
            },
        },
        indent=2,
        ensure_ascii=False,
    )


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return record | {"severity": Severity(record["severity"]).name.lower()}
