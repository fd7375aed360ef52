import { isJsonObject } from "../../lib/json/json_value.ts";
import type { KubeletAnswer, KubeletApi, KubeletRequest } from "../nodes/kubelet_api.ts";
import { UnreachableNode } from "../nodes/unreachable_node.ts";
import { RemoteCall, type RemoteNode } from "./remote_call.ts";

/** The stream of one {@linkcode KubeletRequest}. */
export const KUBELET = "kubelet";
/** What one answer may carry: agents are not trusted to end. */
export const BODY_BYTES_MAX = 64 * 1024 * 1024;
/** How long the next piece of a body may take. */
const PIECE_MS_MAX = 30_000;
/** Types that no browser runs anything of: what an agent says must not act with the rights of who looks at it. */
const TYPES: ReadonlySet<string> = new Set([
  "application/json",
  "text/plain",
  "text/plain; charset=utf-8",
  "text/plain; version=0.0.4; charset=utf-8",
]);
const OTHER_TYPE = "application/octet-stream";

/**
 * The routes of an agent at the other end of its tunnel. Of its answers only a status that is no redirect, a harmless
 * content type and a bounded body are passed on. Rejects with an {@linkcode UnreachableNode}.
 */
export class RemoteKubelet implements KubeletApi {
  readonly #node: RemoteNode;

  constructor(node: RemoteNode) {
    this.#node = node;
  }

  async ask(request: KubeletRequest, signal: AbortSignal): Promise<KubeletAnswer> {
    signal.throwIfAborted();
    const call = RemoteCall.open(this.#node, { kind: KUBELET });
    signal.addEventListener("abort", () => call.end("the client has left"), { once: true });
    const answer = await call.order(request);
    const { status, type } = isJsonObject(answer) ? answer : {};
    if (!isFinal(status)) {
      call.end("such an answer is not passed on");
      throw new UnreachableNode(
        `the agent of node "${this.#node.name}" has answered with status ${
          Number(status)
        }, which is not passed on`,
      );
    }
    const shown = typeof type === "string" && TYPES.has(type) ? type : OTHER_TYPE;
    return { status, type: shown, body: this.#bodyOf(call) };
  }

  async *#bodyOf(call: RemoteCall): AsyncGenerator<Uint8Array> {
    let length = 0;
    for await (const piece of call.all(PIECE_MS_MAX)) {
      length += piece.length;
      if (length > BODY_BYTES_MAX) {
        throw new UnreachableNode(
          `an answer of the agent of node "${this.#node.name}" has more than ${BODY_BYTES_MAX} bytes`,
        );
      }
      yield piece;
    }
  }
}

function isFinal(status: unknown): status is number {
  return Number.isInteger(status) && (status as number) >= 200 && (status as number) < 600 &&
    Math.floor((status as number) / 100) !== 3;
}
