"""Reading lists to their end."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar


class PageRequest(Protocol):
    """A request for a page."""

    page_token: str


class Page(Protocol):
    """A page of a list."""

    @property
    def next_page_token(self) -> str:
        """Give the token of the next page; empty on the last one."""
        ...


RequestT = TypeVar("RequestT", bound=PageRequest)
PageT = TypeVar("PageT", bound=Page)


async def pages(list_page: Callable[[RequestT], Awaitable[PageT]], request: RequestT) -> AsyncIterator[PageT]:
    """Yield every page of a list. The request's page_token moves on with them."""
    while True:
        page = await list_page(request)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
