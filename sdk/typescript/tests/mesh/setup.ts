// The mesh that VIDMESH_ENDPOINT and VIDMESH_TOKEN name, or one of our own on a free port, in a folder that goes with it.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../../", import.meta.url));
const vidmesh = join(root, ".venv/bin/vidmesh");

declare module "vitest" {
  export interface ProvidedContext {
    endpoint: string;
    token: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { VIDMESH_ENDPOINT, VIDMESH_TOKEN } = process.env;
  if (VIDMESH_ENDPOINT !== undefined && VIDMESH_TOKEN !== undefined) {
    project.provide("endpoint", VIDMESH_ENDPOINT);
    project.provide("token", VIDMESH_TOKEN);
    return () => Promise.resolve();
  }
  const data = await mkdtemp(join(tmpdir(), "vidmesh-"));
  const port = await freePort();
  const env = {
    ...process.env,
    VIDMESH_RECOGNIZER: "faster-whisper",
    VIDMESH_WHISPER_MODEL: join(root, "tests/data/whisper-tiny-vidmesh"),
  };
  await run(vidmesh, ["up", "--data", data, "--port", String(port), "--detach"], { env });
  project.provide("endpoint", `http://127.0.0.1:${port}`);
  project.provide("token", (await readFile(join(data, "run/token"), "utf8")).trim());
  return async () => {
    await run(vidmesh, ["down", "--data", data]);
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
