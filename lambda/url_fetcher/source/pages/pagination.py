"""Every kind of pagination: where the next page is.

Each is pure: from what a page said to the next request. A new kind is a class in one of the modules below and
a member of ``Pagination``.
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
