// The mesh that VIDMESH_ENDPOINT, VIDMESH_TOKEN and VIDMESH_TEST_JOBS_TOKEN name, tokens of two tenants, or one of our own on
// a free port, in a folder that goes with it; with one video in it that is done, and a long recording to send.

import { execFile } from "node:child_process";
import { openAsBlob } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Vidmesh } from "@vidmesh/client";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../../", import.meta.url));
const vidmesh = join(root, ".venv/bin/vidmesh");

/** The sample recording five times over, as WAV: long enough to be stopped midway. */
const LENGTHEN = `
import sys, wave, av
source, out = sys.argv[1:]
resampler = av.AudioResampler(format="s16", layout="mono", rate=16000)
with av.open(source) as file:
    samples = b"".join(bytes(part.planes[0])[: part.samples * 2] for frame in file.decode(audio=0) for part in resampler.resample(frame))
with wave.open(out, "wb") as file:
    file.setparams((1, 2, 16000, 0, "NONE", ""))
    file.writeframes(samples * 5)
`;

export default async function setup(): Promise<() => Promise<void>> {
  const data = await mkdtemp(join(tmpdir(), "vidmesh-"));
  const recording = join(root, "tests/data/grammar.flac");
  const long = join(data, "long.wav");
  await run(join(root, ".venv/bin/python"), ["-c", LENGTHEN, recording, long]);
  const given = process.env.VIDMESH_ENDPOINT !== undefined;
  const token = async (tenant: string) =>
    (await run(vidmesh, ["token", "--data", join(data, "mesh"), "--tenant", tenant])).stdout.trim();
  if (!given) {
    const port = await freePort();
    const env = {
      ...process.env,
      VIDMESH_RECOGNIZER: "faster-whisper",
      VIDMESH_WHISPER_MODEL: join(root, "tests/data/whisper-tiny-vidmesh"),
      // The sites of these tests are on loopback.
      VIDMESH_EGRESS_ALLOW: "127.0.0.0/8",
    };
    await run(vidmesh, ["up", "--data", join(data, "mesh"), "--port", String(port), "--detach"], { env });
    process.env.VIDMESH_ENDPOINT = `http://127.0.0.1:${port}`;
    process.env.VIDMESH_TOKEN = await token("main");
    process.env.VIDMESH_TEST_JOBS_TOKEN = await token("jobs");
  }
  const client = new Vidmesh({
    endpoint: process.env.VIDMESH_ENDPOINT ?? "",
    token: process.env.VIDMESH_TOKEN,
  });
  const upload = await client.upload(await openAsBlob(recording), { filename: "grammar.flac" });
  const { job } = await client.submit(upload);
  const events = client.watch(job.id);
  while (!(await events.next()).done);
  process.env.VIDMESH_TEST_VIDEO = job.videoId;
  process.env.VIDMESH_TEST_RECORDING = recording;
  process.env.VIDMESH_TEST_LONG = long;
  return async () => {
    if (!given) await run(vidmesh, ["down", "--data", join(data, "mesh")]);
    await rm(data, { recursive: true, force: true });
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
