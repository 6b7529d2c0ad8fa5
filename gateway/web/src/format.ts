// Numbers as people read them.

/** A moment as a clock shows it: "0:07", "12:30", "1:02:03". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** How long a video is, as a clock shows it: "2:32" of 151.9 seconds, for so its player counts. */
export const length = (seconds: number): string => clock(Math.round(seconds));

/** How long something lasts: "8 s", "3 min", "1 h 20 min". */
export function span(seconds: number): string {
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest > 0 ? ` ${rest} min` : ""}`;
}

/** A size: "812 B", "1.3 MB". */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ""}`;
}

/** A rate of a stage's unit; empty where it says nothing to a person. */
export function rate(unit: string, perSecond: number): string {
  if (perSecond <= 0) return "";
  if (unit === "bytes") return `${bytes(perSecond)}/s`;
  if (unit === "seconds")
    return `${perSecond >= 10 ? Math.round(perSecond) : perSecond.toFixed(1)}× real time`;
  return "";
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** How long ago: "just now", "5 minutes ago", "yesterday". */
export function ago(date: Date, now = Date.now()): string {
  const seconds = (now - date.getTime()) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return relative.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) return relative.format(-Math.floor(seconds / 3600), "hour");
  if (seconds < 30 * 86_400) return relative.format(-Math.floor(seconds / 86_400), "day");
  return date.toLocaleDateString("en", { year: "numeric", month: "short", day: "numeric" });
}

/** Reads a link's moment: "90", "90.5", "1m30s", "1h2m3s"; undefined where it is none. */
export function readMoment(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const parts = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  if (parts === null) return undefined;
  return Number(parts[1] ?? 0) * 3600 + Number(parts[2] ?? 0) * 60 + Number(parts[3] ?? 0);
}

/** A link without what nobody reads. */
export function shortLink(url: string): string {
  return url.replace(/^https?:\/\/(www\.)?/, "").replace(/\/$/, "");
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
