// What a dead letter says, for a person to read. Pure.

import { fromBinary, JobEventSchema, toJson, type DeadLetter } from "@vidmesh/client";

/** Which events the kinds of work are told by; kinds of messages are named as their events are. */
const TOLD_BY: Record<string, string> = {
  window: "window_ready",
  captions: "captions_found",
  video: "job_accepted",
};

/** The letter's message as JSON; how long it is where its kind is not known. */
export function saidBy({ kind, payload }: DeadLetter): string {
  const name = TOLD_BY[kind] ?? kind;
  const schema = JobEventSchema.fields.find((field) => field.name === name)?.message;
  const length = `${payload.length.toLocaleString("en")} bytes`;
  if (schema === undefined) return length;
  try {
    return JSON.stringify(toJson(schema, fromBinary(schema, payload)), null, 2);
  } catch {
    // Such a letter may be dead for that very reason.
    return `${length} that are no ${schema.name}`;
  }
}
