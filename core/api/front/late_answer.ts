import { timedOut } from "../http/request_timeout.ts";
import { failure } from "../http/status.ts";
import type { Exchange } from "./connection.ts";
import { REQUEST_MS } from "./limits.ts";

/** A request whose answer has not begun in time gets 504; what its handler says afterwards is dropped. */
export function answerIfLate({ incoming, outgoing, sinceMs }: Exchange, nowMs: number): void {
  if (nowMs - sinceMs <= REQUEST_MS || outgoing.headersSent || !incoming.complete) return;
  const status = failure(timedOut());
  outgoing.writeHead(status.code, { "content-type": "application/json" });
  outgoing.end(JSON.stringify(status) + "\n");
}
