"""The body of a server's answer, bounded whatever is in it."""

from collections.abc import AsyncIterator

import httpx2

_MOST_BYTES = 8 << 20


class _Body(httpx2.AsyncByteStream):
    """A response body that is cut off when it grows out of hand."""

    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for part in self._inner:
            seen += len(part)
            if seen > _MOST_BYTES:
                raise ValueError("the answer is too large")
            yield part

    async def aclose(self) -> None:
        await self._inner.aclose()


async def bound(response: httpx2.Response) -> None:
    """Bound the body of a response; a hook for an HTTP client."""
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Body(response.stream)
