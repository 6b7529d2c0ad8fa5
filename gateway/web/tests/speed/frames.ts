// Messages as gRPC-Web carries them, from a server of the test's own: as many and as fast as a measurement wants.

import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export function frame(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(message.length + 5);
  new DataView(framed.buffer).setUint32(1, message.length);
  framed.set(message, 5);
  return framed;
}

const trailers = new TextEncoder().encode("grpc-status: 0\r\n");

export function end(): Uint8Array {
  const framed = frame(trailers);
  framed[0] = 0x80;
  return framed;
}

/** A server that answers by path; what is not there is answered with an empty stream. */
export async function answering(
  answers: Record<string, (response: ServerResponse) => void>,
): Promise<Server> {
  const server = createServer((request, response) => {
    response.writeHead(200, { "content-type": "application/grpc-web+proto" });
    const method = request.url?.split("/").at(-1) ?? "";
    const answer = answers[method];
    if (answer === undefined) response.end(end());
    else answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

export const portOf = (server: Server): number => (server.address() as AddressInfo).port;
