"""Why yt-dlp could not have a video, by its own errors and words.

yt-dlp has few types of error and many sentences, some its own and some the sites'. The rules below are tried in order.
"""

import re
from collections.abc import Collection

from vidmesh_ingest.reason import Reason, reason_of_status

_RULES: tuple[tuple[Reason, re.Pattern[str]], ...] = tuple(
    (reason, re.compile(pattern))
    for reason, pattern in (
        (Reason.PROTECTED_VIDEO, r"\bdrm\b"),
        (
            Reason.BOT_CHECK,
            (
                r"not a bot|as a bot|captcha|anti-?bot|cloudflare|unusual traffic|are you (a )?human|ip address is blocked"
            ),
        ),
        (Reason.RATE_LIMITED, r"rate.?limit|too many requests|error 429\b|try again later"),
        (
            Reason.AGE_RESTRICTED,
            (
                r"\bage\b.{0,3}(restrict|gate|verif|limit|check)|confirm your age|age.verified|adult verification"
                r"|inappropriate for some|nsfw|only adults|18 years"
            ),
        ),
        (
            Reason.PRIVATE_VIDEO,
            (r"set to private|\bprivate (video|account|playlist)|video is private|is (now )?private\b"),
        ),
        (
            Reason.GEO_BLOCKED,
            (
                r"geo.?(restrict|block|fenc)|(in|from) (your|this) (country|region|location)|blocked in .*countr"
                r"|not available (in|from|outside)\b.*(countr|region|location)|blocked it in your|available in .{2,40} only"
                r"|only available in\b"
            ),
        ),
        (
            Reason.VIDEO_REMOVED,
            (
                r"(stream|event|live|broadcast)\w* (has|was|have) ended|recording is not available|removed|deleted"
                r"|terminated|no longer (available|exist|live)|(do|does|did)(n't| not) exist|unavailable|expired|taken down"
                r"|copyright|not available any ?more|error 4(04|10)\b|not found|suspended"
            ),
        ),
        (
            Reason.LIVE_VIDEO,
            (
                r"(live|event|stream|broadcast|premiere|video|space|ride)\w*( event| stream| broadcast)? (will|has not|have not|"
                r"hasn't|is not|not) (yet )?(begin|start|currently live|be live|live)|premieres in|will begin|will start"
                r"|is scheduled|not (yet )?started|is offline|stream offline|not live\b|currently live|available yet|upcoming"
                r"|live (video|stream)s? (is|are) not supported|in a private show"
            ),
        ),
        (
            Reason.PRIVATE_VIDEO,
            (
                r"private|log.?in\b|logged.?in|sign.?in\b|register|members?\b|subscri|premium|purchase|\brent|payment|paid"
                r"|password|authori[sz]|authentic|permission|account|cookies|unlisted|entitle|restricted|locked|unreachable"
                r"|error 40[123]\b"
            ),
        ),
        (
            Reason.NO_VIDEO,
            (
                r"unsupported url|no (video|media|format|playable|audio|stream|suitable|embed|entr)|is not a video|there is no"
                r"|not a valid url|requested format is not available|unable to find .*video|could not find .*video"
                r"|unsupported (page|webpage|media)|is not supported"
            ),
        ),
        (
            Reason.SOURCE_UNREACHABLE,
            (
                r"timed? ?out|unable to (connect|download (webpage|video data|api|json|m3u8|mpd))|connection|name or service"
                r"|resolve|network|proxy|certificate|\bssl\b|\btls\b|error 5\d\d\b|remote end closed|incomplete ?read"
                r"|content too short|bytes read"
            ),
        ),
    )
)
_LINK = re.compile(r"https?://\S+")
_PREFIX = re.compile(r"^(error: )?\[[^\]]+\]\s+(?:[^\s:]+:\s+)?", re.IGNORECASE)
_ADVICE = re.compile(
    r"(\.? ?;? ?please report this issue on .*|\.? use --\S+.*|\.? ?see +\S* ?for .*|\.? ?also see .*|\(caused by .*"
    r"|\.? ?you might want to use .*|\.? ?use --list-formats .*|\.? ?it is recommended to use .*)$",
    re.IGNORECASE | re.DOTALL,
)
_TYPES = {
    "GeoRestrictedError": Reason.GEO_BLOCKED,
    "UserNotLive": Reason.LIVE_VIDEO,
    "UnsupportedError": Reason.NO_VIDEO,
    "CertificateVerifyError": Reason.SOURCE_UNREACHABLE,
    "SSLError": Reason.SOURCE_UNREACHABLE,
    "ProxyError": Reason.SOURCE_UNREACHABLE,
    "IncompleteRead": Reason.SOURCE_BROKEN_OFF,
    "ContentTooShortError": Reason.SOURCE_BROKEN_OFF,
    "TransportError": Reason.SOURCE_UNREACHABLE,
}


def reason_of(
    message: str, *, types: Collection[str] = (), status: int | None = None, fetching: bool = False
) -> Reason:
    """The reason in an error of yt-dlp.

    `types` are the names of the error's type and of those of its causes, `status` is the HTTP status in it. While it is
    `fetching`, a refusal of the server is one of the moment: the links to a site's files are good for some hours only.
    """
    told = _LINK.sub("", _PREFIX.sub("", message)).lower().replace("\u2019", "'")
    known = next(
        (_TYPES[name] for name in types if name in {"GeoRestrictedError", "UserNotLive", "UnsupportedError"}),
        None,
    )
    if known is not None:
        return known
    if fetching and status in {401, 403, 404, 410}:
        return Reason.SOURCE_BROKEN_OFF
    if status == 429:
        return Reason.RATE_LIMITED
    named = next((reason for reason, rule in _RULES if rule.search(told)), None)
    if status is not None and named in {
        None,
        Reason.VIDEO_REMOVED,
        Reason.PRIVATE_VIDEO,
        Reason.SOURCE_UNREACHABLE,
    }:
        return reason_of_status(status)
    typed = next((_TYPES[name] for name in types if name in _TYPES), None)
    return named if named is not None and typed is None else typed or named or Reason.SOURCE_REFUSED


def sentence(message: str) -> str:
    """What a site or yt-dlp says, without its prefixes and without advice on yt-dlp's own options."""
    told = _ADVICE.sub("", _PREFIX.sub("", message.strip())).strip(" .;:")
    told = told.splitlines()[0] if told else ""
    return f"{told[:300]}." if told else "The site gave no reason."
