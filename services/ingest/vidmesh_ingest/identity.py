"""What makes two submitted sources the same one."""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, parse_qsl, quote, urlencode, urlsplit, urlunsplit

LONGEST = 4096
"""The most characters that a link may have."""

_TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|dclid|msclkid|yclid|igsh(id)?|mc_[ce]id|_hs(enc|mi)|ref_src|ref_url", re.ASCII
)
_YOUTUBE = re.compile(r"(?:(?:www|m|music)\.)?youtube(?:-nocookie)?\.com", re.ASCII)
_YOUTUBE_PATH = re.compile(r"/(?:shorts|live|embed|v)/([\w-]{11})(?:/|$)", re.ASCII)
_YOUTUBE_ID = re.compile(r"[\w-]{11}", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class LinkError(ValueError):
    """The link is not one that can be fetched. The text says why, in a sentence for its owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link to a page or a file, checked."""

    url: str
    """What to fetch: as given, but for space around it."""

    key: str
    """The same for every way to write this link: `youtube:ID`, or `url:` and the link without what does not matter."""

    site: bool
    """Whether it is known to be a page of a site rather than perhaps a file."""


def parse_link(text: str) -> Link:
    """Checks a link and finds its key. Raises LinkError."""
    url = text.strip()
    if not url:
        raise LinkError("The link is empty.")
    if len(url) > LONGEST:
        raise LinkError(f"The link has more than {LONGEST} characters.")
    if any(c.isspace() or not c.isprintable() for c in url):
        raise LinkError("The link has spaces or control characters in it.")
    try:
        parts = urlsplit(url)
        host = _host(parts)
        port = parts.port
    except ValueError as error:
        raise LinkError(f"This is not a link: {error}.") from error
    if parts.scheme.lower() not in _DEFAULT_PORTS:
        raise LinkError("The link must begin with http:// or https://.")
    if not host:
        raise LinkError("The link names no host.")
    if parts.username is not None or parts.password is not None:
        raise LinkError("The link has a user name or password in it; vidmesh sends none.")
    video = _youtube_id(parts, host)
    if video:
        return Link(url=url, key=f"youtube:{video}", site=True)
    return Link(url=url, key=f"url:{_canonical(parts, host, port)}", site=_is_youtube(host))


def upload_key(sha256: str) -> str:
    """The key of uploaded bytes, by their SHA-256 in hexadecimal."""
    return f"sha256:{sha256}"


def site_key(extractor: str, video_id: str) -> str:
    """The key of a video that yt-dlp found, by its names of the site and of the video there."""
    return f"{extractor.lower()}:{video_id}"


def host_of(source: str) -> str:
    """The host of a link; empty for what is none."""
    return urlsplit(source).hostname or ""


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if host.isascii():
        return host
    return host.encode("idna").decode()


def _is_youtube(host: str) -> bool:
    return host == "youtu.be" or _YOUTUBE.fullmatch(host) is not None


def _youtube_id(parts: SplitResult, host: str) -> str | None:
    """The id of the one video that a YouTube link is about. A link with a list is about the video, as it is on the site."""
    if not _is_youtube(host):
        return None
    if host == "youtu.be":
        found = parts.path.strip("/")
    elif parts.path.rstrip("/") == "/watch":
        found = parse_qs(parts.query).get("v", [""])[0]
    else:
        matched = _YOUTUBE_PATH.match(parts.path)
        found = matched[1] if matched else ""
    return found if _YOUTUBE_ID.fullmatch(found) else None


def _canonical(parts: SplitResult, host: str, port: int | None) -> str:
    scheme = parts.scheme.lower()
    if ":" in host:
        host = f"[{host}]"
    if port is not None and port != _DEFAULT_PORTS[scheme]:
        host = f"{host}:{port}"
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not _TRACKING.fullmatch(name)
    ]
    # A fragment is a place within a page, except where a site keeps its routes there.
    fragment = parts.fragment if parts.fragment.startswith(("!", "/")) else ""
    path = quote(_without_dots(parts.path), safe="/%:@!$&'()*+,;=~-._")
    path = re.sub(r"%[0-9a-fA-F]{2}", _escape, path)
    return urlunsplit((scheme, host, path, urlencode(query), fragment))


def _escape(matched: re.Match[str]) -> str:
    """An escape written one way: as the character where that needs none, else in capitals."""
    character = chr(int(matched[0][1:], 16))
    return character if re.fullmatch(r"[\w.~-]", character, re.ASCII) else matched[0].upper()


def _without_dots(path: str) -> str:
    """The path with `.` and `..` resolved, as RFC 3986 (5.2.4) has it."""
    kept: list[str] = []
    parts = path.split("/")[1:]
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part != ".":
            kept.append(part)
    if parts and parts[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)
