// Answers a player's requests for /media/VIDEO, a piece at a time: the page that asks reads each piece from the mesh.

const PIECE = 1 << 20;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (origin === self.location.origin && pathname.startsWith("/media/")) event.respondWith(answer(event));
});

async function answer(event) {
  const page = await self.clients.get(event.clientId);
  const range = /^bytes=(\d+)-(\d*)$/.exec(event.request.headers.get("range") ?? "bytes=0-");
  if (page === undefined || range === null) return new Response(null, { status: 400 });
  const offset = Number(range[1]);
  // A shorter piece than was asked for is allowed; the player asks on.
  const length = range[2] === "" ? PIECE : Math.min(PIECE, Number(range[2]) - offset + 1);
  const videoId = new URL(event.request.url).pathname.slice("/media/".length);
  const piece = await asked(page, { videoId, offset, length });
  if (piece.data === undefined) return new Response(null, { status: 502 });
  if (piece.data.byteLength === 0) {
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${piece.size}` } });
  }
  return new Response(piece.data, {
    status: 206,
    headers: {
      "accept-ranges": "bytes",
      "content-length": String(piece.data.byteLength),
      "content-range": `bytes ${offset}-${offset + piece.data.byteLength - 1}/${piece.size}`,
      "content-type": piece.mediaType,
    },
  });
}

function asked(page, wanted) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    page.postMessage(wanted, [port2]);
  });
}
