import assert from "node:assert/strict";
import { ApiError } from "../../client/api_error.ts";
import { OpenStreams, STREAMS_MAX } from "./open_streams.ts";

const isRefused = (error: unknown) =>
  error instanceof ApiError && error.reason === "TooManyRequests";

Deno.test("so many streams are open at once, and the place of one that has ended is free", () => {
  const streams = new OpenStreams();
  const ends = Array.from({ length: STREAMS_MAX }, () => streams.open(() => true));
  assert.throws(() => streams.open(() => true), isRefused);
  streams.close(ends[7]!);
  streams.open(() => true);
  assert.throws(() => streams.open(() => true), isRefused);
});

Deno.test("streams end whose users' credentials have been revoked, and all when the server stops", () => {
  const streams = new OpenStreams();
  let isCurrent = true;
  const [kept, revoked] = [streams.open(() => true), streams.open(() => isCurrent)];
  isCurrent = false;
  streams.endRevoked();
  assert.deepEqual([kept.signal.aborted, revoked.signal.aborted], [false, true]);
  streams.stop();
  assert.ok(kept.signal.aborted);
  assert.throws(() => streams.open(() => true), isRefused);
});
