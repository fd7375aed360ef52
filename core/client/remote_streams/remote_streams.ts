import type { Duplex } from "node:stream";
import type { Random } from "../../lib/random.ts";
import type { ObjectName } from "../client.ts";
import type {
  AttachRequest,
  ExecRequest,
  LogOptions,
  NodeStreams,
  PodPort,
  SessionStart,
} from "../node_streams.ts";
import { RemoteCall, type RemoteNode } from "./remote_call.ts";
import { RemoteSession } from "./remote_session.ts";
import { BEGIN_MS_MAX, START_MS_MAX, type StreamRequest, STREAMS } from "./stream_requests.ts";

/**
 * What runs on a node that is reached through its tunnel. Each request is a stream of it; what cannot be asked, or not any
 * more, rejects with an UnreachableNode.
 */
export class RemoteStreams implements NodeStreams {
  readonly #node: RemoteNode;
  readonly #random: Random;

  constructor(node: RemoteNode, random: Random) {
    this.#node = node;
    this.#random = random;
  }

  async *logs(
    pod: ObjectName,
    options: LogOptions,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    signal.throwIfAborted();
    const call = RemoteCall.open(this.#node, { kind: STREAMS });
    const end = () => call.end("the client has left");
    signal.addEventListener("abort", end, { once: true });
    try {
      await call.order({ do: "logs", pod, options } satisfies StreamRequest);
      yield new Uint8Array();
      yield* call.all();
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  async exec(pod: ObjectName, request: ExecRequest): Promise<SessionStart> {
    const session = this.#random.uuid();
    return await this.#session({ do: "exec", pod, request, session });
  }

  async attach(pod: ObjectName, request: AttachRequest): Promise<SessionStart> {
    const session = this.#random.uuid();
    return await this.#session({ do: "attach", pod, request, session });
  }

  async connect(pod: ObjectName, target: PodPort): Promise<Duplex> {
    return (await this.#asked({ do: "connect", pod, target })).duplex();
  }

  async #session(asked: StreamRequest & { do: "exec" | "attach" }): Promise<SessionStart> {
    const call = await this.#asked(asked);
    const forget = this.#node.clock.after(BEGIN_MS_MAX, () => call.end("nobody has begun it"));
    return async () => {
      forget();
      await call.order({ do: "start" }, START_MS_MAX);
      const { session: name, request: { streams: { stdin: hasInput } } } = asked;
      return new RemoteSession(call, { node: this.#node, name, hasInput });
    };
  }

  async #asked(request: StreamRequest): Promise<RemoteCall> {
    return await RemoteCall.ask(this.#node, { kind: STREAMS }, request);
  }
}
