/// <reference lib="deno.worker" />
import { SystemClock } from "../../lib/clock.ts";
import { auditLine } from "./audit_line.ts";
import { RotatingFile } from "./rotating_file.ts";
import type { FromWriter, ToWriter } from "./writer_messages.ts";

const encoder = new TextEncoder();
let file: RotatingFile | undefined;

/** Writes the audit log, off the serving thread. Started by `new Worker(…)`, never imported. */
self.onmessage = async ({ data }: MessageEvent<ToWriter>) => {
  if ("open" in data) {
    file = new RotatingFile(data.open.path, data.open.limits, new SystemClock());
    return;
  }
  const answer: FromWriter = {};
  try {
    const lines = await Promise.all(data.write.map(auditLine));
    await file?.append(encoder.encode(lines.join("")));
  } catch (error) {
    answer.problem = (error as Error).message;
  }
  self.postMessage(answer);
};
