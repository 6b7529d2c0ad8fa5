"""The library of the query service: videos, folders, tags, and that nobody sees what is another's."""

import uuid
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import grpc
import pytest

from tests.conftest import Backstage, NatsServer, PostgresServer
from tests.integration.query_service import (
    CAKE,
    LIONS,
    Service,
    Stages,
    Talk,
    client,
    refused,
    search,
    shared,
    stages,
    until,
)
from vidmesh.query.v1 import query_service_pb2 as pb
from vidmesh.query.v1.search_pb2 import Scope

if TYPE_CHECKING:
    from vidmesh.query.v1.query_service_pb2_grpc import QueryServiceAsyncStub

NOT_FOUND = grpc.StatusCode.NOT_FOUND
INVALID = grpc.StatusCode.INVALID_ARGUMENT
EXISTS = grpc.StatusCode.ALREADY_EXISTS


@pytest.fixture(scope="module")
def service(
    backstage: Backstage,
    postgres_server: PostgresServer,
    nats_process: NatsServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    with shared(backstage, postgres_server, nats_process, tmp_path_factory.mktemp("query")) as made:
        yield made


@pytest.fixture
def tenant() -> str:
    return f"t{uuid.uuid4().hex}"


@pytest.fixture
async def query(service: Service, tenant: str) -> AsyncIterator["QueryServiceAsyncStub"]:
    async with client(service.process, service.keys, tenant) as stub:
        yield stub


@pytest.fixture
async def stranger(service: Service) -> AsyncIterator["QueryServiceAsyncStub"]:
    """Another tenant's client."""
    async with client(service.process, service.keys, f"s{uuid.uuid4().hex}") as stub:
        yield stub


@pytest.fixture
async def bus(service: Service) -> AsyncIterator[Stages]:
    async with stages(service.nats_url) as opened:
        yield opened


async def folder(query: "QueryServiceAsyncStub", name: str, parent: str = "") -> str:
    return (await query.CreateFolder(pb.CreateFolderRequest(name=name, parent_id=parent))).folder.id


async def folders(query: "QueryServiceAsyncStub") -> dict[str, str]:
    """The folders' parents by their names."""
    made = (await query.ListFolders(pb.ListFoldersRequest())).folders
    names = {one.id: one.name for one in made}
    return {one.name: names.get(one.parent_id, "") for one in made}


async def videos(query: "QueryServiceAsyncStub", **request: object) -> list[str]:
    """The videos' titles."""
    found = await query.ListVideos(pb.ListVideosRequest(**request))  # type: ignore[arg-type]
    return [video.title for video in found.videos]


@pytest.fixture
async def library(query: "QueryServiceAsyncStub", bus: Stages, tenant: str) -> dict[str, Talk]:
    """Four videos by their titles."""
    talks = [
        LIONS.of(tenant),
        CAKE.of(tenant),
        Talk(tenant=tenant, title="bees", windows=(("The bees are dancing to the flowers.",),)),
        Talk(tenant=tenant, title="Zoo", windows=(("Die Löwen schlafen im Zoo.",),), language="de"),
    ]
    for talk in talks:
        await bus.whole(talk)
        await bus.indexed(talk)

    async def described() -> bool:
        return set(await videos(query)) == {talk.title for talk in talks}

    await until(described)
    return {talk.title: talk for talk in talks}


async def test_videos_come_in_the_order_asked_for_page_by_page(
    query: "QueryServiceAsyncStub", library: dict[str, Talk]
) -> None:
    orders = {
        pb.VIDEO_ORDER_UNSPECIFIED: list(library)[::-1],
        pb.VIDEO_ORDER_TITLE: ["Apple cake", "bees", "Lions in Paris", "Zoo"],
        pb.VIDEO_ORDER_LONGEST: ["Lions in Paris", "Apple cake", "bees", "Zoo"],
    }
    for order, titles in orders.items():
        request = pb.ListVideosRequest(order=order, page_size=3)
        first = await query.ListVideos(request)
        request.page_token = first.next_page_token
        second = await query.ListVideos(request)
        assert [video.title for video in [*first.videos, *second.videos]] == titles
        assert not second.next_page_token
        request.order = pb.VIDEO_ORDER_NEWEST
        assert await refused(query.ListVideos(request)) == INVALID


async def test_a_scope_is_every_condition_of_it(
    query: "QueryServiceAsyncStub", library: dict[str, Talk]
) -> None:
    animals = await folder(query, "animals")
    africa = await folder(query, "africa", animals)
    lions, bees = library["Lions in Paris"].video, library["bees"].video
    tags = pb.TagList(names=["travel", "cats"])
    await query.UpdateVideo(pb.UpdateVideoRequest(video_id=lions, folder_id=africa, tags=tags))
    await query.UpdateVideo(
        pb.UpdateVideoRequest(video_id=bees, folder_id=animals, tags=pb.TagList(names=["travel"]))
    )
    order = pb.VIDEO_ORDER_TITLE
    assert await videos(query, scope=Scope(folder_id=animals), order=order) == ["bees", "Lions in Paris"]
    assert await videos(query, scope=Scope(folder_id=africa)) == ["Lions in Paris"]
    assert await videos(query, scope=Scope(tags=["travel"]), order=order) == ["bees", "Lions in Paris"]
    assert await videos(query, scope=Scope(tags=["travel", "cats"])) == ["Lions in Paris"]
    assert await videos(query, scope=Scope(tags=["travel"], folder_id=africa)) == ["Lions in Paris"]
    assert await videos(query, scope=Scope(video_ids=[bees, lions], tags=["cats"])) == ["Lions in Paris"]
    assert await videos(query, scope=Scope(language="de")) == ["Zoo"]
    assert await videos(query, scope=Scope(tags=["none"])) == []
    either = "lions OR bees"
    found = await search(query, either, scope=Scope(folder_id=animals))
    assert {hit.video_id for hit in found} == {lions, bees}
    assert {hit.video_id for hit in await search(query, either, scope=Scope(video_ids=[bees]))} == {bees}
    assert await search(query, "lions", scope=Scope(tags=["none"])) == []


async def test_a_video_is_changed(
    query: "QueryServiceAsyncStub", library: dict[str, Talk], bus: Stages
) -> None:
    talk = library["bees"]
    request = pb.UpdateVideoRequest(
        video_id=talk.video, title="Bees\x00!", tags=pb.TagList(names=["b", "a", "b"])
    )
    changed = (await query.UpdateVideo(request)).video
    assert (changed.title, list(changed.tags)) == ("Bees!", ["a", "b"])
    await bus.open(talk)
    unchanged = (await query.UpdateVideo(pb.UpdateVideoRequest(video_id=talk.video))).video
    assert (unchanged.title, list(unchanged.tags)) == ("Bees!", ["a", "b"])
    tags = (await query.ListTags(pb.ListTagsRequest())).tags
    assert [(tag.name, tag.video_count) for tag in tags] == [("a", 1), ("b", 1)]
    emptied = (await query.UpdateVideo(pb.UpdateVideoRequest(video_id=talk.video, tags=pb.TagList()))).video
    assert not emptied.tags


@pytest.mark.parametrize(
    "change",
    [
        pb.UpdateVideoRequest(title=""),
        pb.UpdateVideoRequest(title="x" * 501),
        pb.UpdateVideoRequest(tags=pb.TagList(names=[""])),
        pb.UpdateVideoRequest(tags=pb.TagList(names=[f"t{number}" for number in range(51)])),
        pb.UpdateVideoRequest(tags=pb.TagList(names=["x" * 101])),
        pb.UpdateVideoRequest(title="x", request_id="no uuid"),
    ],
)
async def test_a_malformed_change_is_refused(
    query: "QueryServiceAsyncStub", change: pb.UpdateVideoRequest
) -> None:
    change.video_id = str(uuid.uuid4())
    assert await refused(query.UpdateVideo(change)) == INVALID


async def test_folders_nest_and_move_but_never_into_themselves(query: "QueryServiceAsyncStub") -> None:
    top = await folder(query, "top")
    middle = await folder(query, "middle", top)
    low = await folder(query, "low", middle)
    assert await folders(query) == {"low": "middle", "middle": "top", "top": ""}
    for inside in (top, middle, low):
        move = pb.UpdateFolderRequest(folder_id=top, parent_id=inside)
        assert await refused(query.UpdateFolder(move)) == INVALID
    await query.UpdateFolder(pb.UpdateFolderRequest(folder_id=low, parent_id="", name="lower"))
    assert (await folders(query))["lower"] == ""
    assert await refused(query.CreateFolder(pb.CreateFolderRequest(name="top"))) == EXISTS
    assert await refused(query.UpdateFolder(pb.UpdateFolderRequest(folder_id=low, name="top"))) == EXISTS
    assert await refused(query.CreateFolder(pb.CreateFolderRequest(name=" "))) == INVALID
    assert await refused(query.CreateFolder(pb.CreateFolderRequest(name="x", parent_id="no-id"))) == NOT_FOUND


async def test_what_is_in_a_deleted_folder_goes_up(
    query: "QueryServiceAsyncStub", library: dict[str, Talk]
) -> None:
    top = await folder(query, "top")
    middle = await folder(query, "middle", top)
    await folder(query, "same", top)
    await folder(query, "same", middle)
    video = library["Zoo"].video
    await query.UpdateVideo(pb.UpdateVideoRequest(video_id=video, folder_id=middle))
    await query.DeleteFolder(pb.DeleteFolderRequest(folder_id=middle))
    assert await folders(query) == {"same": "top", "same (2)": "top", "top": ""}
    assert (await query.GetVideo(pb.GetVideoRequest(video_id=video))).video.folder_id == top
    await query.DeleteFolder(pb.DeleteFolderRequest(folder_id=top))
    assert await folders(query) == {"same": "", "same (2)": ""}
    assert (await query.GetVideo(pb.GetVideoRequest(video_id=video))).video.folder_id == ""
    assert await refused(query.DeleteFolder(pb.DeleteFolderRequest(folder_id=top))) == NOT_FOUND


async def test_lists_come_page_by_page(query: "QueryServiceAsyncStub") -> None:
    for number in range(5):
        await folder(query, f"f{number}")
    request = pb.ListFoldersRequest(page_size=2)
    names: list[str] = []
    while True:
        page = await query.ListFolders(request)
        names += [one.name for one in page.folders]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert names == [f"f{number}" for number in range(5)]


async def test_a_repeated_request_has_one_effect(query: "QueryServiceAsyncStub") -> None:
    request = pb.CreateFolderRequest(name="once", request_id=str(uuid.uuid4()))
    first = await query.CreateFolder(request)
    assert await query.CreateFolder(request) == first
    assert len(await folders(query)) == 1
    request.name = "other"
    assert await refused(query.CreateFolder(request)) == EXISTS


async def test_another_tenants_ids_are_not_found_and_lists_do_not_show_them(
    query: "QueryServiceAsyncStub", stranger: "QueryServiceAsyncStub", library: dict[str, Talk]
) -> None:
    video = library["Zoo"].video
    place = await folder(query, "mine")
    tags = pb.TagList(names=["mine"])
    await query.UpdateVideo(pb.UpdateVideoRequest(video_id=video, folder_id=place, tags=tags))
    talk = ""
    async for response in query.Ask(pb.AskRequest(question="What do the lions carry?")):
        talk = talk or response.retrieved.conversation_id
    assert talk
    theirs = await folder(stranger, "theirs")

    async def asked(**request: object) -> None:
        async for _ in stranger.Ask(pb.AskRequest(question="q?", **request)):  # type: ignore[arg-type]
            pass

    for scope in (
        Scope(video_ids=[video]),
        Scope(folder_id=place),
        Scope(video_ids=["no-id"]),
        Scope(folder_id="no-id"),
    ):
        assert await refused(stranger.Search(pb.SearchRequest(query="lions", scope=scope))) == NOT_FOUND
        assert await refused(stranger.ListVideos(pb.ListVideosRequest(scope=scope))) == NOT_FOUND
        assert await refused(asked(scope=scope)) == NOT_FOUND
    for call in (
        stranger.GetVideo(pb.GetVideoRequest(video_id=video)),
        stranger.GetVideo(pb.GetVideoRequest(video_id="no-id")),
        stranger.UpdateVideo(pb.UpdateVideoRequest(video_id=video, title="taken")),
        stranger.UpdateFolder(pb.UpdateFolderRequest(folder_id=place, name="taken")),
        stranger.UpdateFolder(pb.UpdateFolderRequest(folder_id=theirs, parent_id=place)),
        stranger.DeleteFolder(pb.DeleteFolderRequest(folder_id=place)),
        stranger.CreateFolder(pb.CreateFolderRequest(name="in", parent_id=place)),
        stranger.GetConversation(pb.GetConversationRequest(conversation_id=talk)),
        stranger.DeleteConversation(pb.DeleteConversationRequest(conversation_id=talk)),
        query.UpdateVideo(pb.UpdateVideoRequest(video_id=video, folder_id=theirs)),
    ):
        assert await refused(call) == NOT_FOUND
    assert await refused(asked(conversation_id=talk)) == NOT_FOUND
    assert await search(stranger, "lions") == []
    assert await videos(stranger) == []
    assert await folders(stranger) == {"theirs": ""}
    assert not (await stranger.ListTags(pb.ListTagsRequest())).tags
    assert not (await stranger.ListConversations(pb.ListConversationsRequest())).conversations
    assert (await query.GetVideo(pb.GetVideoRequest(video_id=video))).video.title == "Zoo"


@pytest.mark.parametrize(
    "field", ["GetVideo", "UpdateVideo", "UpdateFolder", "DeleteFolder", "GetConversation"]
)
async def test_a_missing_id_is_refused(query: "QueryServiceAsyncStub", field: str) -> None:
    call = getattr(query, field)
    assert await refused(call(getattr(pb, f"{field}Request")())) == INVALID
