"""Refresh tokens that change at each use, with a server that takes each once and never again."""

import json
import threading
import traceback
from typing import Any

import pytest

from local_aws.servers.hostile_source import (
    Behaviour,
    Connection,
    HostileSource,
    Request,
    answer,
    redirect,
    reset,
)
from local_aws.servers.rotating_tokens import RotatingTokens
from tests.url_fetcher.reading import ARN, Hostile, Waits, bodies_of, reader_of
from tests.url_fetcher.secret_versions import Manager, refused
from url_fetcher.deadline import Deadline
from url_fetcher.errors import (
    AddressRefused,
    ConfigurationError,
    DeadlineExceeded,
    IngestionError,
    MalformedBody,
    SourceRejected,
    SourceUnavailable,
)
from url_fetcher.source.auth.secrets import SecretCache


class Crash(Exception):
    """The end of a process, at a point where it hurts."""


class Rotating(RotatingTokens):
    """A token server, the API behind it, and the function that asks both."""

    def __init__(self, hostile: Hostile, manager: Manager) -> None:
        super().__init__(lambda: str(manager.current["refresh_token"]))
        self.manager = manager
        self.source: HostileSource = hostile({"/token": self.token, "/": self.records})
        manager.store(refresh_token="refresh-0")

    def read(self, process: SecretCache, *, attempts: int = 5, **more: Any) -> list[bytes]:
        """One invocation in that process."""
        auth = {"kind": "oauth2_refresh_token", "secret_arn": ARN, "token_url": self.source.url("/token")}
        settings = {"url": self.source.url("/"), "auth": auth, "retry": {"max_attempts": attempts}}
        deadline = more.pop("deadline", Deadline(30))
        settings["retry"]["max_delay_seconds"] = 0  # type: ignore[index]
        return bodies_of(reader_of(settings | more, cache=process.within(deadline), deadline=deadline))


@pytest.fixture
def manager() -> Manager:
    """An empty one."""
    return Manager()


@pytest.fixture
def rotating(hostile: Hostile, manager: Manager) -> Rotating:
    """A server whose first refresh token is in the secret."""
    return Rotating(hostile, manager)


def test_a_new_refresh_token_is_kept_before_the_access_token_is_used(rotating: Rotating) -> None:
    """The secret holds the next refresh token, and all else that was in it, when the API is asked."""
    assert rotating.read(rotating.manager.process()) == [b"[1]"]
    assert rotating.used_too_early == []
    assert (rotating.manager.current["refresh_token"], rotating.manager.current["mine"]) == (
        "refresh-1",
        "kept",
    )


def test_processes_share_an_access_token(rotating: Rotating) -> None:
    """A second process uses the token of the first: the server is asked once, the secret written once."""
    bodies = [rotating.read(rotating.manager.process()) for _ in range(3)]

    assert (bodies, rotating.asked) == ([[b"[1]"]] * 3, ["refresh-0"])
    assert rotating.manager.writes == ["url-fetcher-lock", "AWSCURRENT"]


def test_an_expired_token_is_renewed_with_the_kept_one(rotating: Rotating) -> None:
    """After its lifetime each process goes on from what the last one kept."""
    for hour in range(3):
        rotating.read(rotating.manager.process(lambda hour=hour: hour * 3600.0))  # type: ignore[misc]

    assert rotating.asked == ["refresh-0", "refresh-1", "refresh-2"]


def test_a_token_that_the_source_refuses_is_renewed(rotating: Rotating) -> None:
    """A 401 to the token that stands in the secret gets a new one, once."""
    rotating.read(rotating.manager.process())
    rotating.number += 1  # somebody revokes
    rotating.manager.store(
        refresh_token=f"refresh-{rotating.number}", url_fetcher=rotating.manager.current["url_fetcher"]
    )

    assert rotating.read(rotating.manager.process()) == [b"[1]"]
    assert rotating.asked == ["refresh-0", "refresh-2"]


def test_a_server_that_does_not_rotate(hostile: Hostile, manager: Manager) -> None:
    """Without a new refresh token the old one stays."""
    source = hostile({"/token": answer(b'{"access_token": "a"}'), "/": answer(b"[1]")})
    manager.store(refresh_token="r")
    auth = {"kind": "oauth2_refresh_token", "secret_arn": ARN, "token_url": source.url("/token")}
    bodies_of(reader_of({"url": source.url("/"), "auth": auth}, cache=manager.process()))

    assert manager.current["refresh_token"] == "r"


def test_a_new_refresh_token_of_another_name_is_kept(hostile: Hostile, manager: Manager) -> None:
    """The tokens may lie elsewhere in the server's answer."""
    granted = b'{"data": {"accessToken": "a", "refreshToken": "r2"}}'
    source = hostile({"/token": answer(granted, status=201), "/": answer(b"[1]")})
    manager.store(refresh_token="r1")
    auth = {
        "kind": "oauth2_refresh_token",
        "secret_arn": ARN,
        "token_url": source.url("/token"),
        "token_path": "data.accessToken",
        "refresh_token_path": "data.refreshToken",
    }
    bodies_of(reader_of({"url": source.url("/"), "auth": auth}, cache=manager.process()))

    assert manager.current["refresh_token"] == "r2"


def test_two_at_once_ask_once(rotating: Rotating) -> None:
    """Of many processes that need a token at the same moment one renews, and the others wait."""
    bodies: list[list[bytes]] = []
    threads = [
        threading.Thread(target=lambda: bodies.append(rotating.read(rotating.manager.process())))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (bodies, rotating.asked, rotating.used_too_early) == ([[b"[1]"]] * 6, ["refresh-0"], [])


class TestEndsInTheMiddle:
    def test_before_the_lock(self, rotating: Rotating) -> None:
        """Nothing has happened yet: the next process renews."""
        rotating.manager.faults = [Crash()]
        with pytest.raises(Crash):
            rotating.read(rotating.manager.process())

        assert (rotating.read(rotating.manager.process()), rotating.asked) == ([b"[1]"], ["refresh-0"])

    def test_after_the_lock(self, rotating: Rotating) -> None:
        """The refresh token was not used: the next process uses it when the lock has run out."""
        rotating.fault = reset()
        with pytest.raises(SourceUnavailable):
            rotating.read(rotating.manager.process(), attempts=1)

        with pytest.raises(SourceUnavailable, match="another run renews"):
            rotating.read(rotating.manager.process(), attempts=1, deadline=Waits().deadline(30))
        assert rotating.read(rotating.manager.process(lambda: 1061.0)) == [b"[1]"]

    def test_the_same_process_need_not_wait_for_itself(self, rotating: Rotating) -> None:
        """A failure of the token server is tried again at once under the same lock."""
        rotating.fault = answer(b"", status=503)

        assert rotating.read(rotating.manager.process()) == [b"[1]"]
        assert rotating.manager.writes == ["url-fetcher-lock", "AWSCURRENT"]

    def test_between_the_answer_and_the_write(self, rotating: Rotating) -> None:
        """The one loss that no client can prevent is told, with the way out; a new token heals it."""
        rotating.manager.faults = [None, Crash()]
        with pytest.raises(Crash):
            rotating.read(rotating.manager.process())
        with pytest.raises(SourceRejected, match=r"invalid_grant.*authorize anew.*'refresh_token' in secret"):
            rotating.read(rotating.manager.process(lambda: 1061.0))
        rotating.manager.store(refresh_token=f"refresh-{rotating.number}")

        assert rotating.read(rotating.manager.process(lambda: 1061.0)) == [b"[1]"]

    def test_after_the_write(self, rotating: Rotating) -> None:
        """The token was kept: the next process uses it without asking."""
        rotating.read(rotating.manager.process())

        assert (rotating.read(rotating.manager.process()), rotating.asked) == ([b"[1]"], ["refresh-0"])


class TestWriteFails:
    @pytest.mark.parametrize("code", ["AccessDeniedException", "LimitExceededException"])
    def test_who_may_not_write_does_not_ask(self, rotating: Rotating, code: str) -> None:
        """The lock shows whether writing works before the refresh token is spent."""
        rotating.manager.faults = [refused(code)] * 20
        with pytest.raises(IngestionError, match=code):
            rotating.read(rotating.manager.process(), attempts=2)

        assert rotating.asked == []

    def test_it_is_tried_again_before_the_token_is_used(self, rotating: Rotating) -> None:
        """A write that fails twice is made a third time, with the same tokens."""
        rotating.manager.faults = [None, refused("ThrottlingException"), refused("InternalServiceError")]

        assert rotating.read(rotating.manager.process()) == [b"[1]"]
        assert (rotating.asked, rotating.used_too_early) == (["refresh-0"], [])

    def test_the_next_invocation_of_the_process_writes_it(self, rotating: Rotating) -> None:
        """What could not be written stays in memory and is written first the next time."""
        process = rotating.manager.process()
        rotating.manager.faults = [None, refused("AccessDeniedException")]
        with pytest.raises(ConfigurationError, match="cannot be written"):
            rotating.read(process)

        assert rotating.read(process) == [b"[1]"]
        assert (rotating.asked, rotating.used_too_early) == (["refresh-0"], [])

    def test_an_answer_that_is_lost(self, rotating: Rotating) -> None:
        """A write of which nobody knows whether it was made is made again, and counts once."""
        rotating.manager.lost_answers = 1

        def lose(connection: Connection, request: Request) -> None:
            rotating.manager.lost_answers = 1
            rotating.token(connection, request)

        rotating.fault = None
        rotating.source.behaviours["/token"] = lose  # type: ignore[index]
        assert rotating.read(rotating.manager.process()) == [b"[1]"]
        assert rotating.manager.writes == ["url-fetcher-lock", "AWSCURRENT"]

    def test_what_a_person_stores_meanwhile_stays(self, rotating: Rotating) -> None:
        """A refresh token that somebody stores while a run renews is not overwritten."""

        def authorize(connection: Connection, request: Request) -> None:
            rotating.manager.store(refresh_token="by-hand")
            rotating.token(connection, request)

        rotating.source.behaviours["/token"] = authorize  # type: ignore[index]
        rotating.read(rotating.manager.process())

        assert rotating.manager.current["refresh_token"] == "by-hand"

    def test_other_keys_that_a_person_changes_meanwhile_stay(self, rotating: Rotating) -> None:
        """The new refresh token goes into the secret as it is when it is written."""

        def change(connection: Connection, request: Request) -> None:
            rotating.manager.store(refresh_token="refresh-0", mine="changed")
            rotating.token(connection, request)

        rotating.source.behaviours["/token"] = change  # type: ignore[index]
        rotating.read(rotating.manager.process())

        assert (rotating.manager.current["mine"], rotating.manager.current["refresh_token"]) == (
            "changed",
            "refresh-1",
        )


def test_a_lock_on_a_version_that_has_passed_is_not_used(
    rotating: Rotating, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever gets a lock after the secret has changed does not send the refresh token from before."""
    write = rotating.manager.put_secret_value

    def slow(**given: Any) -> dict[str, str]:
        if given["VersionStages"] == ["url-fetcher-lock"] and rotating.number == 0:
            rotating.number = 1
            rotating.manager.store(refresh_token="refresh-1")
        return write(**given)

    monkeypatch.setattr(rotating.manager, "put_secret_value", slow)

    assert (rotating.read(rotating.manager.process()), rotating.asked) == ([b"[1]"], ["refresh-1"])


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (answer(b"", status=503), SourceUnavailable),
        (answer(b"<html>Sign in</html>"), MalformedBody),
        (answer(b'{"access_token": "a\\r\\nb"}'), MalformedBody),
        (answer(b'"' + b"a" * 100_000), MalformedBody),
        (redirect("http://127.0.0.1:9/elsewhere"), AddressRefused),
    ],
)
def test_a_token_server_that_fails_leaves_the_secret(
    rotating: Rotating, behaviour: Behaviour, error: type[IngestionError]
) -> None:
    """Whatever comes in place of tokens, the refresh token that is stored stays."""
    rotating.fault = behaviour
    with pytest.raises(error, match="/token"):
        rotating.read(rotating.manager.process(), attempts=1)

    assert rotating.manager.current["refresh_token"] == "refresh-0"


def test_locks_of_runs_that_end_are_ever_fewer(rotating: Rotating) -> None:
    """A day of runs that all end in the middle leaves fewer versions than a secret may have."""
    for minute in range(0, 24 * 60, 10):
        rotating.fault = answer(b"", status=500)
        with pytest.raises(SourceUnavailable):
            rotating.read(
                rotating.manager.process(lambda minute=minute: minute * 60.0),  # type: ignore[misc]
                attempts=1,
                deadline=Waits().deadline(30),
            )

    assert len(rotating.manager.writes) < 60


def test_a_bad_access_token_does_not_lose_the_refresh_token(rotating: Rotating) -> None:
    """Whatever else is wrong with the answer, a refresh token in it is kept."""
    rotating.fault = answer(b'{"access_token": "a\\nb", "refresh_token": "refresh-9"}')
    with pytest.raises(MalformedBody, match="no usable token at"):
        rotating.read(rotating.manager.process())

    assert rotating.manager.current["refresh_token"] == "refresh-9"


def test_tokens_too_long_for_the_secret_together(rotating: Rotating) -> None:
    """The refresh token is kept even where the access token has no room beside it."""
    rotating.fault = answer(json.dumps({"access_token": "a" * 60_000, "refresh_token": "r" * 4_000}).encode())
    rotating.manager.store(refresh_token="refresh-0", mine="m" * 10_000)
    with pytest.raises(SourceRejected):
        rotating.read(rotating.manager.process())
    text = json.dumps(rotating.manager.current)

    assert ("r" * 4_000 in text, len(text) <= 65_536) == (True, True)


def test_without_time_to_keep_it_none_is_asked_for(rotating: Rotating) -> None:
    """Close to the deadline nothing is spent."""
    with pytest.raises(DeadlineExceeded, match="too few to renew"):
        rotating.read(rotating.manager.process(), deadline=Deadline(5))

    assert rotating.asked == []


@pytest.mark.parametrize("shared", ["x", 5, {"access_token": 5}, {"access_token": "a", "expires_at": "soon"}])
def test_what_somebody_else_puts_in_our_place_is_no_token(rotating: Rotating, shared: object) -> None:
    """A member of the secret that only looks like ours is replaced."""
    rotating.manager.store(refresh_token="refresh-0", url_fetcher=shared)  # type: ignore[arg-type]

    assert rotating.read(rotating.manager.process()) == [b"[1]"]


@pytest.mark.parametrize("text", ["plain", "[]", "{}", '{"refresh_token": ""}', "\ud800"])
def test_a_secret_without_a_refresh_token_is_named(rotating: Rotating, text: str) -> None:
    """The error names the key that is missing; the token server is not asked."""
    rotating.manager.texts["bad"], rotating.manager.stages["AWSCURRENT"] = text, "bad"
    with pytest.raises(ConfigurationError, match="key 'refresh_token' is missing"):
        rotating.read(rotating.manager.process())

    assert rotating.asked == []


def test_no_token_is_told(rotating: Rotating) -> None:
    """Errors name neither the old nor the new tokens, and what echoes them is cleaned."""
    process = rotating.manager.process()
    rotating.read(process)
    process.forget_token(next(iter(process._tokens)))
    rotating.fault = answer(b'{"error": "refresh-1"}', status=400)
    with pytest.raises(SourceRejected) as caught:
        rotating.read(process)
    told = "".join(traceback.format_exception(caught.value))
    echo = process._redactor.clean("refresh-0 refresh-1 access-1 s3cret")

    assert ("refresh-" in told, echo) == (False, "REDACTED REDACTED REDACTED REDACTED")
