import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";

import { UploadState, type UploadProgress } from "../../src/index.js";
import { mesh, refusal } from "./mesh.js";

const MIB = 1024 * 1024;

/** A disk that takes chunks, and fails as it is told to. */
class Disk {
  bytes = new Uint8Array();
  writes: number[] = [];
  created: string[] = [];

  constructor(private readonly failing: (write: number, take: () => void) => void = () => undefined) {}

  ingest() {
    const upload = (state = UploadState.OPEN) => ({
      upload: { id: "u", offset: BigInt(this.bytes.length), state },
    });
    return {
      createUpload: ({ filename }: { filename: string }) => {
        this.created.push(filename);
        return upload();
      },
      getUpload: () => upload(),
      writeUpload: ({ offset, data }: { offset: bigint; data: Uint8Array }) => {
        this.writes.push(Number(offset));
        const take = () => (this.bytes = Uint8Array.from([...this.bytes, ...data]));
        this.failing(this.writes.length, take);
        if (Number(offset) !== this.bytes.length) {
          throw refusal(Code.FailedPrecondition, "WRONG_OFFSET", { retryable: "false" });
        }
        take();
        return upload();
      },
      completeUpload: () => upload(UploadState.COMPLETE),
    };
  }
}

const file = (size: number) => new File([new Uint8Array(size).fill(7)], "talk.mp4");

test("a file goes in chunks and its progress is told", async () => {
  const disk = new Disk();
  const told: UploadProgress[] = [];
  const upload = await mesh({ ingest: disk.ingest() }).upload(file(2 * MIB + 5), {
    onProgress: (one) => told.push(one),
  });
  expect(upload.state).toBe(UploadState.COMPLETE);
  expect(disk.writes).toEqual([0, MIB, 2 * MIB]);
  expect(disk.created).toEqual(["talk.mp4"]);
  expect(told.map((one) => one.sent)).toEqual([0, MIB, 2 * MIB, 2 * MIB + 5]);
  expect(told.at(-1)).toMatchObject({ uploadId: "u", size: 2 * MIB + 5, remaining: 0 });
});

test("who sends hears of the upload before its bytes go", async () => {
  const disk = new Disk();
  let writesThen: number | undefined;
  await mesh({ ingest: disk.ingest() }).upload(file(5), {
    onBegin: ({ id }) => {
      expect(id).toBe("u");
      writesThen = disk.writes.length;
    },
  });
  expect(writesThen).toBe(0);
});

test("a lost answer is asked after: what has arrived is not sent again", async () => {
  const disk = new Disk((write, take) => {
    if (write !== 1) return;
    take();
    throw new ConnectError("torn", Code.Unavailable);
  });
  const told: UploadProgress[] = [];
  await mesh({ ingest: disk.ingest() }, { attempts: 1 }).upload(file(MIB + 1), {
    onProgress: (one) => told.push(one),
  });
  expect(disk.writes).toEqual([0, MIB]);
  expect(told.some((one) => one.interruption?.reason === "UNAVAILABLE")).toBe(true);
  expect(disk.bytes).toHaveLength(MIB + 1);
});

test("an upload that was begun before goes on where it stands", async () => {
  const disk = new Disk();
  disk.bytes = new Uint8Array(MIB).fill(7);
  await mesh({ ingest: disk.ingest() }).upload(file(MIB + 3), { resume: "u" });
  expect(disk.writes).toEqual([MIB]);
  expect(disk.created).toEqual([]);
});

test("an upload ends where its caller says so", async () => {
  const stop = new AbortController();
  const disk = new Disk();
  const sent = mesh({ ingest: disk.ingest() }).upload(file(3 * MIB), {
    signal: stop.signal,
    onProgress: ({ sent }) => {
      if (sent > 0) stop.abort();
    },
  });
  await expect(sent).rejects.toMatchObject({ aborted: true });
  expect(disk.writes).toEqual([0]);
});

test("what the mesh refuses for good is thrown", async () => {
  const disk = new Disk(() => {
    throw refusal(Code.InvalidArgument, "TOO_LARGE", { retryable: "false" });
  });
  await expect(mesh({ ingest: disk.ingest() }).upload(file(9))).rejects.toMatchObject({
    reason: "TOO_LARGE",
  });
});
