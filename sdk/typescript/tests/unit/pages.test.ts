import { expect, test } from "vitest";

import { all, mesh } from "./mesh.js";

test("a list is read to its last page", async () => {
  const asked: string[] = [];
  const client = mesh({
    query: {
      listVideos: ({ pageToken, pageSize }) => {
        asked.push(pageToken);
        expect(pageSize).toBe(200);
        return pageToken === ""
          ? { videos: [{ id: "a" }, { id: "b" }], nextPageToken: "next" }
          : { videos: [{ id: "c" }] };
      },
    },
  });
  expect((await all(client.videos())).map((video) => video.id)).toEqual(["a", "b", "c"]);
  expect(asked).toEqual(["", "next"]);
});

test("leaving early fetches no more pages", async () => {
  let calls = 0;
  const client = mesh({
    query: {
      listTags: () => {
        calls += 1;
        return { tags: [{ name: "a" }], nextPageToken: "more" };
      },
    },
  });
  for await (const tag of client.tags()) {
    expect(tag.name).toBe("a");
    break;
  }
  expect(calls).toBe(1);
});
