"""The request for a page: the source's own, with the values that pagination and windows set in it."""

from collections.abc import Callable

from url_fetcher.http.transport import Request
from url_fetcher.source.pages.pagination_kind import Step
from url_fetcher.source.placeholders import filled_body, filled_headers
from url_fetcher.source.request_body import encoded
from url_fetcher.source.schema import Source

_FORM = "application/x-www-form-urlencoded"


def request_of(source: Source, step: Step, before_redirect: Callable[[], None] = lambda: None) -> Request:
    """Returns the request for a page.

    Args:
        source: The source's settings.
        step: The page.
        before_redirect: Called before the request follows a redirect.

    Raises:
        ConfigurationError: When the body is not Unicode text; not retryable.
        MalformedBody: When the source's cursor cannot be sent in its place; not retryable.
    """
    headers, body = source.headers, source.body
    if not headers and body == "":
        return Request(url=step.url, home=source.url, method=source.method, before_redirect=before_redirect)
    types = [value for name, value in headers.items() if name.lower() == "content-type"]
    is_form = any(each.lower().startswith(_FORM) for each in types)
    headers = filled_headers(headers, step.values)
    body = filled_body(body, step.values, is_form=is_form)
    if not isinstance(body, str) and not types:
        headers = {**headers, "Content-Type": "application/json"}
    return Request(
        url=step.url,
        home=source.url,
        method=source.method,
        headers=headers,
        body=encoded(body, step.members),
        before_redirect=before_redirect,
    )
