"""The documents of the JSON door and of the bus say what really passes: real calls and events, held against them."""

import asyncio
import base64
import copy
import http.client
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import nats
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.symbol_database import Default
from jsonschema import Draft202012Validator

from tests.e2e.conftest import DATA, Mesh
from vidmesh_runtime.bus import EVENTS

DOCS = Path(__file__).parents[2] / "docs"
TALK = DATA / "grammar.flac"
NOBODYS = "00000000-0000-7000-8000-000000000000"


def strict(value: Any) -> Any:
    """A copy of a document in which a field that no schema names is an error."""
    if isinstance(value, list):
        return [strict(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: strict(inner) for name, inner in value.items()}
    if "properties" in made:
        made.setdefault("additionalProperties", False)
    return made


class Document:
    """A document whose schemas things are held against."""

    def __init__(self, name: str) -> None:
        self.content = strict(json.loads((DOCS / name).read_text()))

    def check(self, value: object, schema: Mapping[str, Any]) -> None:
        """Hold a value against a schema of the document, whose references lead into its components."""
        Draft202012Validator({**schema, "components": self.content["components"]}).validate(value)


class Door(Document):
    """The JSON door, called as openapi.json says."""

    def __init__(self, endpoint: str, token: str) -> None:
        super().__init__("openapi.json")
        self._address = urlsplit(endpoint)
        self._token = token
        self.called: set[str] = set()
        # An error's details are of several types, of which the document describes one.
        self.content["components"]["schemas"]["Status"] = copy.deepcopy(
            json.loads((DOCS / "openapi.json").read_text())["components"]["schemas"]["Status"]
        )
        self._operations = {
            operation["operationId"]: (path, verb, operation)
            for path, verbs in self.content["paths"].items()
            for verb, operation in verbs.items()
        }

    def call(self, name: str, body: object = None, *, status: int = 200, **parameters: object) -> Any:
        """Call an operation with parameters by their names in the document; gives the checked answer, of a stream a list."""
        path, verb, operation = self._operations[name]
        query = []
        for parameter in operation.get("parameters", []):
            value = parameters.pop(parameter["name"].replace(".", "__"), None)
            if value is None:
                assert not parameter.get("required")
                continue
            self.check(value, parameter["schema"])
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", str(value))
            else:
                query.append((parameter["name"], value))
        assert not parameters
        if "requestBody" in operation:
            self.check(body, operation["requestBody"]["content"]["application/json"]["schema"])
        target = f"{path}?{urlencode(query, doseq=True)}" if query else path
        got, media_type, text = self._send(verb.upper(), target, body)
        assert got == status, text
        answer = operation["responses"]["200" if status == 200 else "default"]
        if "$ref" in answer:
            answer = self.content["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        schema = answer["content"][media_type]["schema"]
        if operation.get("x-stream") and status == 200:
            lines = [json.loads(line) for line in text.splitlines() if line]
            for line in lines:
                self.check(line, schema)
            self.called.add(name)
            return lines
        self.check(json.loads(text), schema)
        self.called.add(name)
        return json.loads(text)

    def _send(self, verb: str, target: str, body: object) -> tuple[int, str, str]:
        connection = http.client.HTTPConnection(str(self._address.hostname), self._address.port, timeout=120)
        headers = {"content-type": "application/json"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        connection.request(verb, target, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        media_type = response.headers.get_content_type()
        text = response.read().decode()
        connection.close()
        return response.status, media_type, text


@pytest.fixture
def door(mesh: Mesh, tenant: str) -> Door:
    return Door(mesh.endpoint, mesh.token(tenant))


def upload(door: Door, content: bytes) -> str:
    made = door.call("CreateUpload", {"filename": "talk.flac", "sizeBytes": str(len(content))})["upload"][
        "id"
    ]
    for offset in range(0, len(content), 500_000):
        data = base64.b64encode(content[offset : offset + 500_000]).decode()
        door.call("WriteUpload", {"offset": str(offset), "data": data}, upload_id=made)
    assert int(door.call("GetUpload", upload_id=made)["upload"]["offset"]) == len(content)
    door.call("CompleteUpload", {}, upload_id=made)
    return str(made)


async def test_answers_and_events_are_what_the_documents_say(mesh: Mesh, tenant: str, door: Door) -> None:
    source = {"uploadId": upload(door, TALK.read_bytes())}
    job = door.call("SubmitVideo", {"source": source, "title": "Grammar"})["job"]
    events = door.call("WatchJob", job_id=job["id"])
    assert events[-1]["event"]["jobEnded"]["outcome"] == "JOB_OUTCOME_SUCCEEDED"
    after = events[-3]["event"]["sequence"]
    assert len(door.call("WatchJob", job_id=job["id"], after_sequence=after)) >= 1
    assert door.call("GetJob", job_id=job["id"])["job"]["state"] == "JOB_STATE_SUCCEEDED"
    assert door.call("ListJobs", page_size=5, states=["JOB_STATE_SUCCEEDED"])["jobs"]
    assert door.call("RetryJob", {}, job_id=job["id"], status=400)["details"][0]["reason"] == "WRONG_STATE"

    video = job["videoId"]
    [first, second, *_] = door.call("GetTranscript", video_id=video)["segments"]
    assert first["words"]
    assert door.call("StreamTranscript", video_id=video, start="1s")
    exported = door.call("ExportTranscript", video_id=video, format="EXPORT_FORMAT_VTT")
    assert exported["content"].startswith("WEBVTT")
    assert door.call("GetSummary", video_id=video)["summary"]["text"]
    assert door.call("StreamSummary", video_id=video)
    assert door.call("ListChapters", video_id=video)["chapters"]
    said = {"text": f"{second['text']} Indeed."}
    changed = door.call("CorrectSegment", said, video_id=video, index=second["index"])
    assert changed["segment"]["text"] == said["text"]
    piece = door.call("GetMedia", video_id=video, offset="4", length=8)
    assert base64.b64decode(piece["data"]) == TALK.read_bytes()[4:12]
    assert door.call("ListModels")["models"]

    assert door.call("Search", query=max(first["text"].split(), key=len), scope__video_ids=[video])["hits"]
    assert door.call("Ask", {"question": first["text"], "scope": {"videoIds": [video]}})[-1]["answer"]
    conversation = door.call("ListConversations")["conversations"][0]["id"]
    assert door.call("GetConversation", conversation_id=conversation)["exchanges"]
    door.call("DeleteConversation", conversation_id=conversation)
    folder = door.call("CreateFolder", {"name": "talks"})["folder"]["id"]
    changed = {"folderId": folder, "tags": {"names": ["english"]}}
    assert door.call("UpdateVideo", changed, video_id=video)["video"]["tags"] == ["english"]
    assert door.call("ListTags")["tags"][0]["name"] == "english"
    assert door.call("ListVideos", order="VIDEO_ORDER_TITLE", scope__folder_id=folder)["videos"]
    door.call("UpdateFolder", {"name": "lectures"}, folder_id=folder)
    assert door.call("ListFolders")["folders"][0]["name"] == "lectures"
    door.call("DeleteFolder", folder_id=folder)
    assert door.call("GetVideo", video_id=video)["video"]["title"] == "Grammar"
    door.call("DeleteVideo", video_id=video)
    assert door.call("GetJob", job_id=NOBODYS, status=404)["details"][0]["reason"] == "NOT_FOUND"
    assert door.call("Reindex", {})[-1]["completed"]
    made = door.call("CreateApiKey", {"name": "nightly", "scopes": ["read"], "ttl": "3600s"})
    assert made["secret"].startswith("vmk_")
    assert door.call("ListApiKeys")["keys"][0]["id"] == made["key"]["id"]
    assert door.call("RevokeApiKey", key_id=made["key"]["id"])["key"]["revokedAt"]
    await check_letters(door)
    left = {"SubmitPlaylist", "WatchJobs", "CancelJob", "GenerateSummary"}
    assert door.called | left == set(door._operations)

    assert Door(mesh.endpoint, "").call("ListJobs", status=401)["code"] == 16
    await check_events(mesh, tenant)


async def check_letters(door: Door) -> None:
    """Call what is there for dead letters, with one of a link that leads nowhere."""

    async def one() -> str:
        while not (letters := door.call("ListDeadLetters", job_id=job["id"]).get("letters")):
            await asyncio.sleep(0.2)
        [letter] = letters
        return str(letter["id"])

    lost = {"source": {"url": "http://127.0.0.1:9/talk.flac"}}
    job = door.call("SubmitVideo", lost)["job"]
    letter = await one()
    told = door.call("GetDeadLetter", letter_id=letter)["letter"]
    assert (told["kind"], told["jobId"]) == ("video", job["id"])
    assert told["payload"]
    assert door.call("RetryDeadLetter", {}, letter_id=letter)["job"]["run"] == 2
    again = await one()
    assert again != letter
    door.call("DropDeadLetter", letter_id=again)
    assert not door.call("ListDeadLetters", job_id=job["id"]).get("letters")


async def check_events(mesh: Mesh, tenant: str) -> None:
    """Hold the events of a tenant that are on the bus against asyncapi.json."""
    document = Document("asyncapi.json")
    addresses = {
        re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^.]+)", re.escape(channel["address"])): channel
        for channel in document.content["channels"].values()
    }
    seen: set[str] = set()
    connection = await nats.connect(mesh.stack.nats_url())
    consumer = await connection.jetstream().pull_subscribe(f"events.{tenant}.>", stream=EVENTS)
    for message in await consumer.fetch(500, timeout=2):
        [(channel, place)] = [
            (channel, found)
            for address, channel in addresses.items()
            if (found := re.fullmatch(address, message.subject))
        ]
        headers = {name: value for name, value in (message.headers or {}).items() if name != "traceparent"}
        document.check(headers, {"$ref": "#/components/schemas/EventHeaders"})
        kind = place["kind"]
        assert kind in channel["parameters"]["kind"]["enum"]
        told = document.content["components"]["messages"][kind]
        assert told["name"] == headers["ce-type"]
        payload = MessageToDict(Default().GetSymbol(headers["ce-type"]).FromString(message.data))
        document.check(payload, told["payload"])
        seen.add(kind)
    await connection.close()
    assert {"job_accepted", "window_ready", "window_transcribed", "summary_completed", "job_ended"} <= seen
