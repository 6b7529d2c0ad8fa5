"""Why yt-dlp could not have a video: by its own types of error, its own words, and those of the sites."""

from pathlib import Path

import pytest
import yt_dlp
from yt_dlp.extractor import common
from yt_dlp.utils import ExtractorError, GeoRestrictedError, UnsupportedError, UserNotLive

from vidmesh.errors.v1.error_reason_pb2 import ErrorReason
from vidmesh_ingest.reason import Reason
from vidmesh_ingest.site_reason import reason_of, sentence

FOLDER = Path(yt_dlp.__file__).parent / "extractor"

# What extractors of the installed yt-dlp say, word for word.
OWN = [
    ("common.py", "This video is DRM protected", Reason.PROTECTED_VIDEO),
    ("common.py", "This video is only available for registered users", Reason.PRIVATE_VIDEO),
    (
        "common.py",
        "This video is not available from your location due to geo restriction",
        Reason.GEO_BLOCKED,
    ),
    ("youtube/_video.py", "YouTube is requiring a captcha challenge before playback", Reason.BOT_CHECK),
    ("youtube/_video.py", "has been rate-limited by YouTube for up to an hour", Reason.RATE_LIMITED),
]
# What YouTube itself says, as yt-dlp passes it on.
YOUTUBE = [
    ("Private video. Sign in if you've been granted access to this video", Reason.PRIVATE_VIDEO),
    ("This video is private", Reason.PRIVATE_VIDEO),
    ("Video unavailable. This video is private", Reason.PRIVATE_VIDEO),
    (
        "Join this channel to get access to members-only content like this video, and other exclusive perks.",
        Reason.PRIVATE_VIDEO,
    ),
    (
        "This video is available to this channel's members on level: Gold (or any higher level).",
        Reason.PRIVATE_VIDEO,
    ),
    ("This video requires payment to watch", Reason.PRIVATE_VIDEO),
    ("Video unavailable", Reason.VIDEO_REMOVED),
    ("Video unavailable. This video has been removed by the uploader", Reason.VIDEO_REMOVED),
    ("This video has been removed for violating YouTube's Community Guidelines", Reason.VIDEO_REMOVED),
    (
        "This video is no longer available because the YouTube account associated with this video has been terminated.",
        Reason.VIDEO_REMOVED,
    ),
    (
        "Video unavailable. This video is no longer available due to a copyright claim by Someone",
        Reason.VIDEO_REMOVED,
    ),
    ("This live stream recording is not available.", Reason.VIDEO_REMOVED),
    ("This live event has ended.", Reason.VIDEO_REMOVED),
    (
        (
            "Sign in to confirm your age. This video may be inappropriate for some users. Use --cookies-from-browser or"
            " --cookies for the authentication."
        ),
        Reason.AGE_RESTRICTED,
    ),
    (
        (
            "Sign in to confirm you\u2019re not a bot. Use --cookies-from-browser or --cookies for the authentication. See "
            " https://github.com/yt-dlp/yt-dlp/wiki/FAQ#how-do-i-pass-cookies-to-yt-dlp  for how to manually pass cookies."
        ),
        Reason.BOT_CHECK,
    ),
    (
        "The uploader has not made this video available in your country",
        Reason.GEO_BLOCKED,
    ),
    ("Video unavailable. The uploader has not made this video available in your country", Reason.GEO_BLOCKED),
    (
        "Video unavailable. This video contains content from Someone, who has blocked it in your country on copyright grounds",
        Reason.GEO_BLOCKED,
    ),
    ("Premieres in 5 hours", Reason.LIVE_VIDEO),
    ("This live event will begin in 3 days.", Reason.LIVE_VIDEO),
    ("This live event will begin in a few moments.", Reason.LIVE_VIDEO),
    (
        (
            "Video unavailable. This content isn't available, try again later. The current session has been rate-limited by"
            " YouTube for up to an hour. It is recommended to use `-t sleep` to add a delay between video requests"
        ),
        Reason.RATE_LIMITED,
    ),
    (
        "Requested format is not available. Use --list-formats for a list of available formats",
        Reason.NO_VIDEO,
    ),
    ("Playback on other websites has been disabled by the video owner", Reason.SOURCE_REFUSED),
]
# What other extractors say; each must be in their source.
OTHERS = [
    ("Video was removed", Reason.VIDEO_REMOVED),
    ("This content is no longer available", Reason.VIDEO_REMOVED),
    ("Video unavailable, set to private", Reason.PRIVATE_VIDEO),
    ("This VOD is private", Reason.PRIVATE_VIDEO),
    ("Wrong video password", Reason.PRIVATE_VIDEO),
    ("This video requires a subscription", Reason.PRIVATE_VIDEO),
    ("This video is for premium members only", Reason.PRIVATE_VIDEO),
    ("NSFW tweet requires authentication", Reason.AGE_RESTRICTED),
    ("Age-restricted; requires authentication", Reason.AGE_RESTRICTED),
    ("This video is only available for age verified users or after 22:00", Reason.AGE_RESTRICTED),
    ("Track unavailable in your country due to licensing restrictions", Reason.GEO_BLOCKED),
    ("This video is available in Taiwan only", Reason.GEO_BLOCKED),
    ("Sorry, this content is not available in your country.", Reason.GEO_BLOCKED),
    ("This livestream has not yet started", Reason.LIVE_VIDEO),
    ("This live broadcast has not yet started", Reason.LIVE_VIDEO),
    ("Livestream has not yet started", Reason.LIVE_VIDEO),
    ("Streamer is not live", Reason.LIVE_VIDEO),
    ("This livestream has ended", Reason.VIDEO_REMOVED),
    ("Livestream has ended.", Reason.VIDEO_REMOVED),
    (
        "You are suspected as a bot. Wait, or pass the captcha on the site and provide cookies.",
        Reason.BOT_CHECK,
    ),
    ("Got HTTP Error 403 caused by Cloudflare anti-bot challenge; ", Reason.BOT_CHECK),
    ("Your IP address is blocked from accessing this post", Reason.BOT_CHECK),
    ("You have exceeded the rate limit. Try again later", Reason.RATE_LIMITED),
    ("You are rate-limited. Try again later.", Reason.RATE_LIMITED),
    ("No video could be found in this tweet", Reason.NO_VIDEO),
    ("No video/audio found at the provided url.", Reason.NO_VIDEO),
    ("There is no video in this post", Reason.NO_VIDEO),
]


@pytest.fixture(scope="module")
def source() -> str:
    return "\n".join(path.read_text() for path in FOLDER.rglob("*.py") if path.name != "lazy_extractors.py")


@pytest.mark.parametrize(("file", "message", "reason"), OWN)
def test_what_yt_dlp_says(file: str, message: str, reason: Reason) -> None:
    assert message in (FOLDER / file).read_text()
    assert reason_of(f"[youtube] dQw4w9WgXcQ: {message}") is reason


@pytest.mark.parametrize(("message", "reason"), YOUTUBE)
def test_what_youtube_says(message: str, reason: Reason) -> None:
    assert reason_of(f"[youtube] dQw4w9WgXcQ: {message}") is reason


@pytest.mark.parametrize(("message", "reason"), OTHERS)
def test_what_other_sites_say(source: str, message: str, reason: Reason) -> None:
    assert message in source
    assert reason_of(message) is reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (GeoRestrictedError("Not for you", countries=["DE"]), Reason.GEO_BLOCKED),
        (UserNotLive(), Reason.LIVE_VIDEO),
        (UnsupportedError("https://example.com/private/live"), Reason.NO_VIDEO),
        (ExtractorError("Unable to extract title", expected=False), Reason.SOURCE_REFUSED),
    ],
)
def test_types_of_error_decide(error: ExtractorError, reason: Reason) -> None:
    assert reason_of(str(error), types=[kind.__name__ for kind in type(error).__mro__]) is reason


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.PRIVATE_VIDEO),
        (403, Reason.PRIVATE_VIDEO),
        (404, Reason.VIDEO_REMOVED),
        (410, Reason.VIDEO_REMOVED),
        (429, Reason.RATE_LIMITED),
        (451, Reason.GEO_BLOCKED),
        (500, Reason.SOURCE_UNREACHABLE),
        (503, Reason.SOURCE_UNREACHABLE),
    ],
)
def test_statuses_of_pages_decide(status: int, reason: Reason) -> None:
    message = f"[generic] x: Unable to download webpage: HTTP Error {status}: Whatever"
    assert reason_of(message, status=status, types=["HTTPError", "TransportError"]) is reason


def test_a_refusal_in_the_middle_of_a_download_is_one_of_the_moment() -> None:
    message = "unable to download video data: HTTP Error 403: Forbidden"
    assert reason_of(message, status=403) is Reason.PRIVATE_VIDEO
    assert reason_of(message, status=403, fetching=True) is Reason.SOURCE_BROKEN_OFF


@pytest.mark.parametrize(
    "message",
    [
        "Unable to download webpage: <urlopen error [Errno 111] Connection refused>",
        "Unable to download webpage: timed out",
        "Unable to download webpage: [Errno -2] Name or service not known",
        "Unable to download API page: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",
        "Unable to download JSON metadata: Remote end closed connection without response",
    ],
)
def test_faults_of_the_network_can_be_tried_again(message: str) -> None:
    assert reason_of(f"[generic] x: {message} (caused by TransportError())") is Reason.SOURCE_UNREACHABLE


def test_words_in_links_and_ids_decide_nothing() -> None:
    assert reason_of("[generic] private-removed-live: Strange https://h/deleted/drm") is Reason.SOURCE_REFUSED


def test_a_sentence_is_free_of_advice_for_yt_dlps_users() -> None:
    assert (
        sentence(
            "ERROR: [youtube] dQw4w9WgXcQ: Sign in to confirm you\u2019re not a bot. Use --cookies-from-browser or --cookies for"
            " the authentication. See  https://github.com/yt-dlp/x  for how to manually pass cookies"
        )
        == "Sign in to confirm you\u2019re not a bot."
    )
    told = str(ExtractorError("Unable to extract title", ie="Vimeo", video_id="123"))
    assert sentence(told) == "Unable to extract title."
    assert sentence("") == "The site gave no reason."


def test_every_reason_is_one_of_the_meshs() -> None:
    assert all(f"ERROR_REASON_{reason}" in ErrorReason.keys() for reason in Reason)  # noqa: SIM118 - protobuf's, no dict


def test_yt_dlp_still_names_its_errors_so() -> None:
    for name in ("GeoRestrictedError", "UserNotLive", "UnsupportedError", "ContentTooShortError"):
        assert hasattr(yt_dlp.utils, name)
    for name in ("IncompleteRead", "SSLError", "CertificateVerifyError", "ProxyError", "TransportError"):
        assert hasattr(yt_dlp.networking.exceptions, name)
    assert hasattr(common.InfoExtractor, "raise_no_formats")
