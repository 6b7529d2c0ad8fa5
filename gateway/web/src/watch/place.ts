// Where a reader left a video.

const KEY = "vidmesh.places";
const MOST = 100;
/** Seconds: nearer to an end than this, a video begins anew. */
const EDGE = 10;

type Places = Record<string, number>;

export function placeLeft(videoId: string): number | undefined {
  return places()[videoId];
}

export function keepPlace(videoId: string, time: number, duration: number): void {
  const others = Object.entries(places()).filter(([id]) => id !== videoId);
  const worth = time > EDGE && time < duration - EDGE;
  const all = worth ? [...others, [videoId, Math.round(time)]] : others;
  localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(all.slice(-MOST) as [string, number][])));
}

function places(): Places {
  return JSON.parse(localStorage.getItem(KEY) ?? "{}") as Places;
}
