"""Log lines as JSON objects, one per line, without payloads; logging.json configures them.

A traceback is logged as files, lines and names, and an exception as its class, since its text may quote a payload.
A rejected request or model is logged as a warning with the reason that the caller got, without a traceback.
"""

import json
import logging
import traceback
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Any

from mlserver.context import model_name_var
from mlserver.errors import MLServerError


class JsonFormatter(logging.Formatter):
    """One JSON object per record: time, level, logger, message and, if present, model, error and traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if model := model_name_var.get(""):
            line["model"] = model
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, MLServerError) and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            line["level"] = "WARNING"
        elif error:
            line |= {"message": _said(record, error), "error": type(error).__name__, "traceback": _traceback(error)}
        # An unpaired surrogate (in a file name, for example) is not valid UTF-8; escaped like this it is valid JSON.
        return json.dumps(line, ensure_ascii=False).encode(errors="backslashreplace").decode()


def _said(record: logging.LogRecord, error: BaseException) -> str:
    # MLServer's `logger.exception(error)` would log the exception's text, which is only safe for this project's errors.
    return type(error).__name__ if record.msg is error and not isinstance(error, MLServerError) else record.getMessage()


def _traceback(error: BaseException) -> list[str]:
    cause = error.__cause__ or error.__context__
    before = [*_traceback(cause), f"{type(cause).__name__}, then"] if cause else []
    return before + [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
