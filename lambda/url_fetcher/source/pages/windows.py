"""Consecutive spans of time, for sources that answer only for a limited span."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Struct

from url_fetcher.errors import ConfigurationError
from url_fetcher.http.urls import with_query
from url_fetcher.source.kinds import OptionalKey
from url_fetcher.source.pages.pagination_kind import Resume, Step
from url_fetcher.source.placeholders import Values, filled_url

TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
Form: TypeAlias = Literal["rfc3339", "rfc3339_ms", "date", "epoch", "epoch_ms"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRITTEN: dict[Form, Callable[[datetime], str | int]] = {
    "rfc3339": lambda time: f"{time.replace(tzinfo=None).isoformat()}Z",
    "rfc3339_ms": lambda time: f"{time.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z",
    "date": lambda time: time.date().isoformat(),
    "epoch": lambda time: int(time.timestamp()),
    "epoch_ms": lambda time: (time - _EPOCH) // timedelta(milliseconds=1),
}


class Window(NamedTuple):
    """One span of time in whole seconds, UTC: ``start`` is included, ``end`` belongs to the next one."""

    start: datetime
    end: datetime

    @property
    def resume(self) -> tuple[str, str]:
        """The span as a ``Resume`` carries it."""
        return str(_WRITTEN["rfc3339"](self.start)), str(_WRITTEN["rfc3339"](self.end))


class Windows(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The spans to request: from ``start`` to now or beyond, each at most ``days`` or ``seconds`` long."""

    from_parameter: OptionalKey = ""
    to_parameter: OptionalKey = ""
    start: Annotated[str, Meta(pattern=TIME)]
    days: Annotated[int, Meta(ge=1, le=3_650)] | None = None
    seconds: Annotated[int, Meta(ge=1, le=86_400)] | None = None
    days_ahead: Annotated[int, Meta(ge=0, le=3_650)] = 0
    includes_end: bool = False
    format: Form = "rfc3339"

    def __post_init__(self) -> None:
        """Checks keys against each other; msgspec turns a ValueError into its ValidationError."""
        _time(self.start, setting="windows.start")
        if (self.days is None) is (self.seconds is None):
            raise ValueError("`windows` needs exactly one of `days` and `seconds`")
        # The second would overwrite the first in the URL, and each window would have no start.
        if self.from_parameter and self.from_parameter == self.to_parameter:
            raise ValueError("`windows.from_parameter` and `windows.to_parameter` are the same")
        # Every window within one day would ask for the same day.
        if self.format == "date" and self.seconds:
            raise ValueError('`windows.format` is "date", which has no time: set `days` instead of `seconds`')

    @property
    def length(self) -> timedelta:
        """How long a window is at most."""
        return timedelta(days=self.days or 0, seconds=self.seconds or 0)

    def first(self, resumed: tuple[str, str] | None, now: datetime) -> Window:
        """Returns the first window, or the resumed one with its end as it was.

        Raises:
            ConfigurationError: When the resumed window does not fit, or the first begins in the future; not
                retryable.
        """
        if resumed is None:
            return self._from(_time(self.start, setting="windows.start"), now)
        try:
            window = Window(*(_time(each, setting="window") for each in resumed))
        except ValueError as error:
            raise ConfigurationError(f"the event's resume: {error}") from error
        length = window.end - window.start
        if not timedelta() < length <= self.length or window.start < _time(self.start):
            key = "days" if self.days else "seconds"
            raise ConfigurationError(
                f"the event's resume: window {' to '.join(resumed)} is none of the source's: they begin with "
                f"windows.start = {self.start!r} and last windows.{key} = {getattr(self, key)} at most"
            )
        return window

    def following(self, window: Window, now: datetime) -> Window | None:
        """The window after another; None if that one ends now."""
        return self._from(window.end, now) if window.end < now else None

    def values(self, window: Window) -> Values:
        """The window's bounds as they are written, by their placeholders."""
        written = _WRITTEN[self.format]
        # The last moment before the next window, in the unit of the format.
        unit = timedelta(milliseconds=1) if self.format.endswith("_ms") else timedelta(seconds=1)
        end = window.end - unit if self.includes_end else window.end
        return {"since": written(window.start), "until": written(end)}

    def applied(self, url: str, window: Window) -> str:
        """The URL with the window's bounds in its placeholders and its parameters."""
        values = self.values(window)
        parameters = {self.from_parameter: values["since"], self.to_parameter: values["until"]}
        return with_query(
            filled_url(url, values), {name: str(value) for name, value in parameters.items() if name}
        )

    def last_moment(self, now: datetime) -> datetime:
        """The end of the last window."""
        # Near the year 9999 the sum does not exist.
        return now + min(timedelta(days=self.days_ahead), datetime.max.replace(tzinfo=UTC) - now)

    def _from(self, start: datetime, now: datetime) -> Window:
        if start >= now:
            raise ConfigurationError(
                f"windows.start = {self.start!r} is in the future; the windows end with "
                f"{_WRITTEN['rfc3339'](now)}: set `days_ahead` to go beyond now"
            )
        # Not start + length: near the year 9999 that date does not exist.
        length = min(self.length, now - start)
        return Window(start, start + length)


class WindowWalk:
    """Goes from window to window; does nothing for a source without windows.

    Args:
        windows: The source's setting; None if it has none.
        url: The source's URL without a window.
        now: The end of the last window.
    """

    def __init__(self, windows: Windows | None, url: str, now: datetime) -> None:
        self.url = url
        self._windows = windows
        self._source_url = url
        # Whole seconds, because a window is written in them.
        now = now.astimezone(UTC).replace(microsecond=0)
        self._now = windows.last_moment(now).replace(microsecond=0) if windows else now
        self._window: Window | None = None

    def begin(self, resume: Resume | None) -> Resume | None:
        """Goes to the first window or to that of the resume. Returns the resume for the pages within it.

        Raises:
            ConfigurationError: When the resume's window does not fit the source; not retryable.
        """
        window = resume.window if resume else None
        if self._windows is None:
            if window:
                raise ConfigurationError("the event's resume: window does not fit a source without `windows`")
            return resume
        if resume and not window:
            raise ConfigurationError("the event's resume: window is missing; the source has `windows`")
        self._go_to(self._windows.first(window, self._now))
        return resume and msgspec.structs.replace(resume, window=None)

    def advance(self) -> bool:
        """Goes to the next window. Returns False after the last one."""
        if not self._windows or not self._window:
            return False
        following = self._windows.following(self._window, self._now)
        if following:
            self._go_to(following)
        return following is not None

    def marked(self, step: Step) -> Step:
        """The step with the current window in its resume and in its placeholders."""
        if not self._windows or not self._window:
            return step
        return step._replace(
            resume=msgspec.structs.replace(step.resume, window=self._window.resume),
            values={**step.values, **self._windows.values(self._window)},
        )

    def _go_to(self, window: Window) -> None:
        self._window = window
        if self._windows:
            self.url = self._windows.applied(self._source_url, window)


def _time(text: str, *, setting: str = "") -> datetime:
    """Parses a time such as 2024-01-31T00:00:00Z.

    Raises:
        ValueError: When the text is not such a time.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"`{setting}` {text[:40]!r} is no time such as 2024-01-31T00:00:00Z") from error
