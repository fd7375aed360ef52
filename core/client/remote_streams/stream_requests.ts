import type { ObjectName } from "../client.ts";
import type { AttachRequest, ExecRequest, LogOptions, PodPort } from "../node_streams.ts";

/** The stream of one request for what runs in a pod: {@linkcode StreamRequest}. */
export const STREAMS = "streams";
/** The input of a session that another stream has begun: its bytes as they are, and their end. */
export const INPUT = "input";

/** The first message on a stream of {@linkcode STREAMS}. Sent by the server, of which the agent believes it. */
export type StreamRequest =
  | { do: "logs"; pod: ObjectName; options: LogOptions }
  | { do: "exec"; pod: ObjectName; request: ExecRequest; session: string }
  | { do: "attach"; pod: ObjectName; request: AttachRequest; session: string }
  | { do: "connect"; pod: ObjectName; target: PodPort };

/** What the server says to a session. */
export type SessionOrder = { do: "start" } | { do: "resize"; columns: number; rows: number };

/** What follows the answers of a session, each with its length: output as it is, the end as a {@linkcode SessionEnd}. */
export const FRAME = { stdout: 1, stderr: 2, end: 3 } as const;
export const FRAME_HEAD_BYTES = 5;

/** How a session has ended. */
export type SessionEnd = { exitCode: number } | { failure: string };

/** Commands can be as long as the URLs that name them. */
export const REQUEST_BYTES_MAX = 1024 * 1024;
export const ANSWER_BYTES_MAX = 64 * 1024;
/** How long a container's runtime may take to start a command: kubelet `runtimeRequestTimeout`. */
export const START_MS_MAX = 120_000;
/** How long a session that was asked for may wait for its start: clients have 30 s to open their streams. */
export const BEGIN_MS_MAX = 60_000;
