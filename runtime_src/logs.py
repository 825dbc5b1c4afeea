"""Log lines as JSON objects, one a line, that never hold a payload; logging.json puts them in place.

A traceback is given as files, lines and names, and an exception as its class: its text may quote what was sent. A
request or a model's files that were refused are a warning with the reason that the caller got, and no traceback.
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
    """One JSON object a record: time, level, logger, message, and where there are any model, error and traceback."""

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
        # Half a character (in a file's name, say) is no UTF-8; as it is escaped here, it is JSON.
        return json.dumps(line, ensure_ascii=False).encode(errors="backslashreplace").decode()


def _said(record: logging.LogRecord, error: BaseException) -> str:
    # `logger.exception(error)`, as MLServer has it, says the exception's own text, unless that is ours.
    return type(error).__name__ if record.msg is error and not isinstance(error, MLServerError) else record.getMessage()


def _traceback(error: BaseException) -> list[str]:
    cause = error.__cause__ or error.__context__
    before = [*_traceback(cause), f"{type(cause).__name__}, and then"] if cause else []
    return before + [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
