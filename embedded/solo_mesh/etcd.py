"""A small asynchronous etcd client: read, transaction, watch, lease; TLS, password and several endpoints.

It uses etcd's gRPC API, since gRPC is a dependency anyway, the API is the same in 3.4 to 3.6, and unlike the JSON
gateway it cannot be disabled and streams watches properly. Values and keys are bytes; nothing is cached.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import grpc

from .wire import etcd as pb

_CALL_SECONDS = 5.0
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),  # a listing of all keys may be long
    ("grpc.keepalive_time_ms", 10_000),  # ends the watch after a silent partition instead of hanging
    ("grpc.keepalive_timeout_ms", 5_000),
]


class EtcdError(Exception):
    """Failure of an etcd request, by an error response or without a response."""


@dataclass(frozen=True)
class KeyValue:
    """A key with its value and the revision of its last change."""

    key: str
    value: bytes
    revision: int


@dataclass(frozen=True)
class Event:
    """A change of a key."""

    key: str
    value: bytes | None  # None: the key was deleted
    revision: int


@dataclass(frozen=True, kw_only=True)
class Connection:
    """The connection file of ModelMesh Serving's etcd Secret, with PEM texts inline or as files beside it."""

    endpoints: tuple[str, ...]
    root_prefix: str = ""
    user: str = ""
    password: str = ""
    certificate: bytes | None = None
    client_key: bytes | None = None
    client_certificate: bytes | None = None
    authority: str = ""

    def __repr__(self) -> str:  # hides the password and the key
        return f"Connection({','.join(self.endpoints)}, root_prefix={self.root_prefix!r})"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the connection file."""
        try:
            data = json.loads(path.read_text())
            endpoints = tuple(part.strip() for part in data["endpoints"].split(",") if part.strip())

            def pem(name: str) -> bytes | None:
                if file := data.get(f"{name}_file"):
                    return Path(path.parent, file).read_bytes()
                return str(data[name]).encode() if data.get(name) else None

            return cls(
                endpoints=endpoints,
                root_prefix=data.get("root_prefix", ""),
                user=data.get("userid", ""),
                password=data.get("password", ""),
                certificate=pem("certificate"),
                client_key=pem("client_key"),
                client_certificate=pem("client_certificate"),
                authority=data.get("override_authority", ""),
            )
        except (OSError, ValueError, KeyError, AttributeError) as error:
            what = f"{type(error).__name__} on {error}"  # a parse error's text may quote the file, but not its values
            raise EtcdError(f"{path}: expected JSON with at least `endpoints`; {what}") from None


class Etcd:
    """One connection; it switches to the next endpoint when one does not respond."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._next = 0
        self._token: str | None = None
        self._channel = self._open()

    async def close(self) -> None:
        """Close the connection."""
        await self._channel.close()

    async def list(self, prefix: str) -> tuple[list[KeyValue], int]:
        """All keys below the prefix, and the revision at which they were read."""
        start = prefix.encode()
        reply = await self._call("KV/Range", pb.RangeRequest(key=start, range_end=_after(start)), pb.RangeResponse)
        return [KeyValue(kv.key.decode(), kv.value, kv.mod_revision) for kv in reply.kvs], reply.header.revision

    async def get(self, key: str) -> KeyValue | None:
        """One key, or None if it does not exist."""
        reply = await self._call("KV/Range", pb.RangeRequest(key=key.encode()), pb.RangeResponse)
        return next((KeyValue(key, kv.value, kv.mod_revision) for kv in reply.kvs), None)

    async def commit(
        self, expected: dict[str, int], puts: dict[str, str], deletes: Sequence[str] = (), lease: int = 0
    ) -> int | None:
        """Write everything at once if each expected key still has its revision (0: absent).

        Returns the new revision, or None if a key has changed meanwhile.
        """
        request = pb.TxnRequest(
            compare=[
                pb.Compare(target="MOD", key=key.encode(), mod_revision=revision) for key, revision in expected.items()
            ],
            success=[
                pb.RequestOp(request_put=pb.PutRequest(key=key.encode(), value=value.encode(), lease=lease))
                for key, value in puts.items()
            ]
            + [pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=key.encode())) for key in deletes],
        )
        reply = await self._call("KV/Txn", request, pb.TxnResponse)
        return int(reply.header.revision) if reply.succeeded else None

    async def watch(self, prefix: str, revision: int) -> AsyncIterator[Event]:
        """Changes below the prefix from a revision on, until the stream breaks with an EtcdError."""
        start = prefix.encode()
        create = pb.WatchCreateRequest(key=start, range_end=_after(start), start_revision=revision)
        async with self._stream("Watch/Watch", pb.WatchRequest, pb.WatchResponse) as call:
            await call.write(pb.WatchRequest(create_request=create))
            async for reply in call:
                if reply.canceled:
                    raise EtcdError(f"watch cancelled: {reply.cancel_reason or 'revision compacted'}")
                for event in reply.events:
                    gone = event.type == pb.Event.DELETE
                    yield Event(event.kv.key.decode(), None if gone else event.kv.value, event.kv.mod_revision)
        raise EtcdError("watch: stream ended")

    async def grant(self, ttl: int) -> int:
        """Create a lease of this many seconds."""
        reply = await self._call("Lease/LeaseGrant", pb.LeaseGrantRequest(TTL=ttl), pb.LeaseGrantResponse)
        return int(reply.ID)

    async def keep_alive(self, lease: int) -> bool:
        """Renew a lease once; False if etcd does not have it."""
        request, response = pb.LeaseKeepAliveRequest, pb.LeaseKeepAliveResponse
        async with self._stream("Lease/LeaseKeepAlive", request, response, _CALL_SECONDS) as call:
            await call.write(request(ID=lease))
            reply = await call.read()
            return bool(reply is not grpc.aio.EOF and reply.TTL > 0)

    async def revoke(self, lease: int) -> None:
        """Revoke a lease, which deletes its keys."""
        await self._call("Lease/LeaseRevoke", pb.LeaseRevokeRequest(ID=lease), pb.LeaseRevokeResponse)

    async def _call(self, method: str, request: Any, reply: Any) -> Any:
        last: grpc.aio.AioRpcError | None = None
        for _ in range(len(self._connection.endpoints) + 1):
            try:
                if method != "Auth/Authenticate":
                    await self._authenticate()
                call = self._channel.unary_unary(
                    f"/etcdserverpb.{method}",
                    request_serializer=type(request).SerializeToString,
                    response_deserializer=reply.FromString,
                )
                return await call(request, timeout=_CALL_SECONDS, metadata=self._metadata())
            except grpc.aio.AioRpcError as error:
                last = error
                if not self._failed(error):
                    break
        assert last is not None
        raise EtcdError(f"{method} at {self._connection!r}: {last.code().name} {last.details()}") from None

    async def _authenticate(self) -> None:
        """Get a token if one is needed and missing."""
        if not self._connection.user or self._token is not None:
            return
        request = pb.AuthenticateRequest(name=self._connection.user, password=self._connection.password)
        self._token = (await self._call("Auth/Authenticate", request, pb.AuthenticateResponse)).token

    def _failed(self, error: grpc.aio.AioRpcError) -> bool:
        """Prepare a retry with a new token or another endpoint; False if a retry would fail too."""
        if error.code() is grpc.StatusCode.UNAUTHENTICATED:
            self._token = None
        elif error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            if len(self._connection.endpoints) > 1:
                self._next += 1
                self._channel = self._open()  # the old one closes itself when it is no longer referenced
        else:
            return False
        return True

    @asynccontextmanager
    async def _stream(self, method: str, request: Any, reply: Any, seconds: float | None = None) -> AsyncIterator[Any]:
        """Provide an open stream, which ends with the block; its failures become EtcdErrors."""
        await self._authenticate()
        open_stream = self._channel.stream_stream(
            f"/etcdserverpb.{method}",
            request_serializer=request.SerializeToString,
            response_deserializer=reply.FromString,
        )
        call = open_stream(metadata=self._metadata(), timeout=seconds)
        try:
            yield call
        except grpc.aio.AioRpcError as error:
            self._failed(error)
            raise EtcdError(f"{method}: {error.code().name} {error.details()}") from None
        finally:
            call.cancel()

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (("token", self._token),) if self._token else ()

    def _open(self) -> grpc.aio.Channel:
        connection = self._connection
        endpoint = connection.endpoints[self._next % len(connection.endpoints)]
        scheme, _, address = endpoint.rpartition("://")
        authority = [("grpc.default_authority", connection.authority)] if connection.authority else []
        if scheme != "https" and connection.certificate is None and connection.client_key is None:
            return grpc.aio.insecure_channel(address, options=_OPTIONS + authority)
        credentials = grpc.ssl_channel_credentials(
            connection.certificate, connection.client_key, connection.client_certificate
        )
        return grpc.aio.secure_channel(address, credentials, options=_OPTIONS + authority)


def _after(prefix: bytes) -> bytes:
    """First key after all keys with this prefix."""
    return prefix[:-1] + bytes([prefix[-1] + 1])
