import type { NodeStreams } from "../../core/client/node_streams.ts";
import {
  INPUT,
  type StreamRequest,
  STREAMS,
} from "../../core/client/remote_streams/stream_requests.ts";
import type { StreamKind } from "../../core/client/tunnel/tunnel.ts";
import { ApiError } from "../../core/client/api_error.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { Asked } from "./asked.ts";
import { joinConnection } from "./joined_connection.ts";
import { serveSession, type Sessions, takeInput } from "./served_session.ts";

export interface PodStreamKindsOptions {
  streams: NodeStreams;
  clock: Clock;
}

/** Answers what a server asks of the pods of this node: RemoteStreams is its other end. */
export function podStreamKinds({ streams, clock }: PodStreamKindsOptions): readonly StreamKind[] {
  const sessions: Sessions = new Map();
  return [
    {
      kind: STREAMS,
      answer: async (stream, _head, signal) => {
        const asked = new Asked(stream, signal, clock);
        try {
          await answer(await asked.request() as StreamRequest, asked, { streams, sessions });
        } catch (error) {
          asked.fail(error);
        }
      },
    },
    {
      kind: INPUT,
      answer: (stream, { session }) => takeInput(stream, sessions, String(session)),
    },
  ];
}

/** What JSON leaves out. */
const ALL_OF_A_LOG = { tailLines: undefined, sinceMs: undefined, limitBytes: undefined };

type Context = { streams: NodeStreams; sessions: Sessions };

async function answer(request: StreamRequest, asked: Asked, context: Context): Promise<void> {
  const { streams, sessions } = context;
  switch (request?.do) {
    case "logs":
      return await sendLog(request, asked, streams);
    case "exec": {
      const start = await streams.exec(request.pod, request.request);
      return await serveSession(start, { name: request.session, asked, sessions });
    }
    case "attach": {
      const start = await streams.attach(request.pod, request.request);
      return await serveSession(start, { name: request.session, asked, sessions });
    }
    case "connect": {
      const connection = await streams.connect(request.pod, request.target);
      return await joinConnection(connection, asked);
    }
    default:
      throw new ApiError("NotImplemented", "this agent is older, and does not know what is asked");
  }
}

async function sendLog(
  { pod, options: given }: StreamRequest & { do: "logs" },
  asked: Asked,
  streams: NodeStreams,
): Promise<void> {
  const { stream, signal } = asked;
  const options = { ...ALL_OF_A_LOG, ...given };
  const chunks = streams.logs(pod, options, signal)[Symbol.asyncIterator]();
  try {
    let next = await chunks.next(); // a log that cannot be read is refused
    await asked.grant();
    for (; !next.done; next = await chunks.next()) await stream.write(next.value);
    stream.end();
  } finally {
    await chunks.return?.();
  }
}
