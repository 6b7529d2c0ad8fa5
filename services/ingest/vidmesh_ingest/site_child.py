"""yt-dlp in a process of its own: `python -I -m vidmesh_ingest.site_child`.

Pages are hostile input and yt-dlp is a large library that reads them, so it runs apart from the service: without the
service's environment, configuration or plugins, in a folder of its own, behind a fence (`fence`) that leaves it the egress
proxy as its only way out, also where yt-dlp would not take it. It takes commands as JSON lines on its standard input and answers with JSON lines on its standard output. It ends when its input does,
so that it cannot outlive the service.
"""

import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import yt_dlp
from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import DownloadError, YoutubeDLError

from vidmesh_ingest.captions import read_captions
from vidmesh_ingest.fence import Fence
from vidmesh_ingest.reason import Reason
from vidmesh_ingest.site_reason import reason_of, sentence

Info = dict[str, Any]

_SUBTITLES = ("vtt", "srt", "ass", "ssa", "ttml")
_DEPTH = 4


class RefusedError(Exception):
    """The video is none that vidmesh takes."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Downloader(yt_dlp.YoutubeDL):  # type: ignore[misc]  # yt-dlp has no types
    """yt-dlp, kept to http and https."""

    def urlopen(self, req: Any) -> Any:
        """Opens a request."""
        url = req if isinstance(req, str) else req.url
        if not url.lower().startswith(("http://", "https://", "data:")):
            raise RefusedError(Reason.SOURCE_REFUSED, "The site leads to something other than http or https.")
        return super().urlopen(req)


class Log:
    """What yt-dlp says goes to the standard error, which the service keeps for its log."""

    def debug(self, message: str) -> None:
        """Steps, and what is of interest to yt-dlp's developers."""

    def info(self, message: str) -> None:
        """Steps."""

    def warning(self, message: str) -> None:
        """What went wrong without harm."""
        sys.stderr.write(f"warning: {message}\n")

    def error(self, message: str) -> None:
        """What went wrong."""
        sys.stderr.write(f"{message}\n")


class Child:
    """One source."""

    def __init__(self, out: IO[str], setup: Info, fence: Fence) -> None:
        self._out = out
        self._fence = fence
        self._url: str = setup["url"]
        self._folder = Path(setup["folder"])
        self._info: Info = {}
        self._options: Info = {
            "logger": Log(),
            "proxy": setup["proxy"],
            "format": setup["format"],
            "outtmpl": {"default": "source"},
            "paths": {"home": str(self._folder), "temp": str(self._folder)},
            "js_runtimes": {"deno": {"path": setup["deno"]}},
            "remote_components": [],
            "progress_hooks": [self._progress],
            "noprogress": True,
            "quiet": True,
            "noplaylist": True,
            "cachedir": False,
            "nopart": True,
            "fixup": "never",
            "hls_prefer_native": True,
            "external_downloader": {"default": "native"},
            "ffmpeg_location": str(self._folder / "no-ffmpeg"),
            "skip_unavailable_fragments": False,
            "geo_bypass": False,
            "check_formats": False,
            "socket_timeout": 30,
            "retries": 5,
            "fragment_retries": 5,
            "extractor_retries": 2,
            "color": "never",
        }

    def tell(self, event: str, **what: Any) -> None:
        """Sends an answer."""
        self._out.write(json.dumps({"event": event, **what}) + "\n")
        self._out.flush()

    def do(self, command: Info) -> None:
        """Obeys a command, to its last answer: `done`, or `error` with the reason."""
        fetching = command["do"] == "media"
        try:
            match command["do"]:
                case "info":
                    self._find()
                case "captions":
                    self._fetch_captions(command["language"])
                case "media":
                    self._fetch()
                case "entries":
                    self._list(command["limit"])
        except RefusedError as error:
            self.tell("error", reason=error.reason, message=str(error))
        except (YoutubeDLError, OSError) as error:
            if self._fence.refused is not None:
                self.tell("error", reason=Reason.EGRESS_REFUSED, message=_past(self._fence.refused))
                return
            told = _told(error)
            reason = reason_of(told, types=_types(error), status=_status(error), fetching=fetching)
            self.tell("error", reason=reason, message=sentence(told))
        except Exception:  # noqa: BLE001 - a page can make an extractor raise anything
            sys.stderr.write(traceback.format_exc())
            self.tell("error", reason=Reason.SOURCE_REFUSED, message="yt-dlp does not understand the site.")
        else:
            self.tell("done")

    def _find(self) -> None:
        with Downloader({**self._options, "extract_flat": "in_playlist"}) as ydl:
            info = self._single(ydl)
        if info.get("live_status") in {"is_live", "is_upcoming"} or info.get("is_live"):
            raise RefusedError(Reason.LIVE_VIDEO, "The broadcast has not ended or not begun.")
        self._info = info
        extractor = str(info.get("extractor_key") or "Generic")
        self.tell(
            "info",
            id=str(info.get("id") or ""),
            extractor=extractor,
            named=extractor != "Generic" and ydl.get_info_extractor(extractor)._VALID_URL is not False,  # noqa: SLF001 - there is no other way to ask
            title=str(info.get("title") or ""),
            author=str(info.get("channel") or info.get("uploader") or info.get("creator") or ""),
            page_url=str(info.get("webpage_url") or self._url),
            seconds=float(info["duration"]) if info.get("duration") else None,
            size=int(info.get("filesize") or 0),
            language=str(info.get("language") or ""),
            captions=sorted(_captions(info)),
        )

    def _single(self, ydl: Any) -> Info:
        """The one video that the link is about, be it on a page of its own or the only one of a list."""
        url, key, title = self._url, None, None
        for _ in range(_DEPTH):
            info = ydl.extract_info(url, download=False, ie_key=key) or {}
            while info.get("_type", "video") in {"playlist", "multi_video"}:
                title = title or info.get("title")
                entries = [entry for entry in info.get("entries") or [] if entry]
                if len(entries) > 1:
                    raise RefusedError(Reason.NO_VIDEO, "This is a playlist; submit it as one.")
                info = entries[0] if entries else {}
            if not info:
                break
            if info.get("_type", "video") == "video":
                # yt-dlp numbers the players of a page, also where there is but one.
                own = str(info.get("title") or "").removesuffix(
                    " (1)" if info.get("extractor_key") == "HTML5MediaEmbed" else ""
                )
                return {**info, "title": title or own}
            url, key = info["url"], info.get("ie_key")
        raise RefusedError(Reason.NO_VIDEO, "The page has no video.")

    def _fetch_captions(self, language: str) -> None:
        entries = _captions(self._info)[language]
        path = self._folder / "captions"
        path.unlink(missing_ok=True)
        with Downloader(self._options, auto_init=False) as ydl:
            if entries[0].get("data") is not None:
                path.write_text(entries[0]["data"])
            else:
                ydl.dl(str(path), dict(entries[0]), subtitle=True)
        try:
            text = read_captions(path.read_text(encoding="utf-8", errors="replace"))
        except ValueError:
            text = ""
        path.write_text(text)
        self.tell("captions")

    def _fetch(self) -> None:
        # What is found by now needs no extractors, which take long to set up.
        with Downloader(self._options, auto_init=False) as ydl:
            ydl.process_info(dict(self._info))

    def _list(self, limit: int) -> None:
        options = {**self._options, "noplaylist": False, "extract_flat": "in_playlist", "lazy_playlist": True}
        with Downloader(options) as ydl:
            for number, entry in enumerate(self._entries(ydl, {"_type": "url", "url": self._url}, _DEPTH)):
                if number >= limit:
                    return
                self.tell("entry", url=entry["url"], title=str(entry.get("title") or ""))

    def _entries(self, ydl: Any, found: Info, depth: int) -> Iterator[Info]:
        """The videos of a playlist, and of playlists within it as a channel has them."""
        if found.get("_type") in {"url", "url_transparent"}:
            found = ydl.extract_info(found["url"], download=False, process=False, ie_key=found.get("ie_key"))
        kind = (found or {}).get("_type", "video")
        if kind in {"url", "url_transparent"} and depth:
            yield from self._entries(ydl, found, depth - 1)
        elif kind == "playlist":
            for entry in found.get("entries") or ():
                if not entry or not str(entry.get("url") or entry.get("webpage_url") or "").startswith(
                    "http"
                ):
                    continue
                nested = entry.get("ie_key") and ydl.get_info_extractor(entry["ie_key"]).is_single_video(
                    entry["url"]
                )
                if depth and (nested is False or entry.get("_type") == "playlist"):
                    yield from self._entries(ydl, entry, depth - 1)
                else:
                    yield {"url": entry.get("url") or entry["webpage_url"], "title": entry.get("title")}
        else:
            raise RefusedError(Reason.NO_VIDEO, "This is no playlist and no channel.")

    def _progress(self, status: Info) -> None:
        self.tell("progress", total=status.get("total_bytes"))


def _captions(info: Info) -> dict[str, list[Info]]:
    """The captions that people made, by language, each with the formats that can be read, best first."""
    found = {}
    for language, entries in (info.get("subtitles") or {}).items():
        readable = [
            entry
            for entry in entries
            if entry.get("ext") in _SUBTITLES and (entry.get("url") or entry.get("data"))
        ]
        if readable and language not in {"live_chat", "danmaku"}:
            found[language] = sorted(readable, key=lambda entry: _SUBTITLES.index(entry["ext"]))
    return found


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        if isinstance(seen, DownloadError) and seen.exc_info and seen.exc_info[1] not in {None, seen}:
            seen = seen.exc_info[1]
        else:
            seen = getattr(seen, "cause", None) or seen.__cause__
        if not isinstance(seen, BaseException):
            return


def _types(error: BaseException) -> list[str]:
    return [kind.__name__ for cause in _causes(error) for kind in type(cause).__mro__]


def _status(error: BaseException) -> int | None:
    return next((int(cause.status) for cause in _causes(error) if isinstance(cause, HTTPError)), None)


def _told(error: BaseException) -> str:
    return next((str(cause.orig_msg) for cause in _causes(error) if hasattr(cause, "orig_msg")), str(error))


def _past(refused: str) -> str:
    return f"It leads past the one way out ({refused})."


def fence_of(setup: Info) -> Fence:
    """What a process with this setup may do."""
    return Fence(
        folder=Path(setup["folder"]),
        port=urlsplit(setup["proxy"]).port,
        programs=(setup["deno"],),
        file_bytes=setup["file_bytes"],
    )


def main() -> None:
    """Obeys commands until there are no more."""
    # Whatever prints must not be taken for an answer.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    setup: Info = json.loads(sys.stdin.readline())
    fence = fence_of(setup)
    fence.close()
    commands: queue.SimpleQueue[Info] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            commands.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    child = Child(out, setup, fence)
    while True:
        child.do(commands.get())


if __name__ == "__main__":
    main()
