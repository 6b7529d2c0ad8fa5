// A web site with files to fetch.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Site {
  origin: string;
  /** What there is, by path; everything else is answered with 404. */
  files: Map<string, string>;
  close: () => Promise<void>;
}

export async function openSite(): Promise<Site> {
  const files = new Map<string, string>();
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? "");
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    void readFile(file).then((content) => {
      response.writeHead(200, { "content-type": "audio/flac", "content-length": content.length });
      response.end(request.method === "HEAD" ? undefined : content);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    files,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
