import { RemoteCall, type RemoteNode } from "../client/remote_streams/remote_call.ts";
import { UnreachableNode } from "../client/nodes/unreachable_node.ts";
import { concat } from "../lib/bytes.ts";
import { within } from "../lib/deadline.ts";
import { parseJson } from "../lib/json/json_text.ts";
import { check } from "../schema/check.ts";
import type { ReportDetail, UsageSource } from "./cluster_usage.ts";
import { type NodeReport, nodeReport } from "./node_report.ts";

/** The stream of one question for a report: {@linkcode ReportDetail}. */
export const USAGE = "usage";
/** More than the largest node says. */
const REPORT_BYTES_MAX = 8 * 1024 * 1024;
const REPORT_LIMITS = { depthMax: 16, valuesMax: 400_000 };
/** How long a report may take, to be measured and to come over a poor link. */
const REPORT_MS_MAX = 60_000;

/** Asks the agent at the other end of a tunnel what its node uses. Rejects when it does not say, or what cannot be. */
export class RemoteUsage implements UsageSource {
  readonly #node: RemoteNode;

  constructor(node: RemoteNode) {
    this.#node = node;
  }

  async report(detail: ReportDetail = { withFiles: false }): Promise<NodeReport> {
    const { clock, name } = this.#node;
    const call = RemoteCall.open(this.#node, { kind: USAGE });
    const late = () => {
      call.end("it takes too long");
      return UnreachableNode.late(name, REPORT_MS_MAX);
    };
    return await within(this.#read(call, detail), { clock, ms: REPORT_MS_MAX, late });
  }

  async #read(call: RemoteCall, detail: ReportDetail): Promise<NodeReport> {
    await call.order(detail, REPORT_MS_MAX);
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of call.all()) {
      length += piece.length;
      if (length > REPORT_BYTES_MAX) throw this.#refusal("it is too long");
      pieces.push(piece);
    }
    const { value, causes: [cause] } = check(nodeReport, parseJson(concat(pieces), REPORT_LIMITS));
    if (cause) throw this.#refusal(`${cause.field}: ${cause.message}`);
    if (value.node !== this.#node.name) throw this.#refusal(`it is of node "${value.node}"`);
    return value;
  }

  #refusal(why: string): Error {
    return new Error(`The report of node "${this.#node.name}" cannot be used: ${why}`);
  }
}
