"""All kinds of pagination.

Each computes the next request from the result of a page, without side effects. A new kind is a class in one
of the modules below and a member of ``Pagination``.
"""

from typing import TypeAlias

from url_fetcher.source.pages.cursor_pages import CursorPagination
from url_fetcher.source.pages.followed_pages import (
    LinkHeaderPagination,
    NextUrlPagination,
    ParametersPagination,
)
from url_fetcher.source.pages.numbered_pages import OffsetPagination, PagePagination
from url_fetcher.source.pages.pagination_kind import NoPagination

Pagination: TypeAlias = (
    NoPagination
    | LinkHeaderPagination
    | NextUrlPagination
    | PagePagination
    | OffsetPagination
    | CursorPagination
    | ParametersPagination
)
