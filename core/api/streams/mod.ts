import { podLog } from "./pod_log.ts";
import type { Stream, StreamParts } from "./stream.ts";

/** Every stream. A new one is one file and one line here. */
const STREAMS: readonly ((parts: StreamParts) => Stream)[] = [podLog];

/** By subresource. */
export function createStreams(parts: StreamParts): ReadonlyMap<string, Stream> {
  return new Map(STREAMS.map((create) => create(parts)).map((each) => [each.subresource, each]));
}
