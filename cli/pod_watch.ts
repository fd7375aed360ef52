import { linesOf } from "../core/client/answer_body.ts";
import { HttpsTransport } from "../core/client/https_transport.ts";
import { isConditionTrue } from "../core/resources/conditions.ts";
import type { Pod } from "../core/resources/core/pods/pods.ts";
import type { Access } from "../server/kubeconfig.ts";
import { VERSION } from "../server/version.ts";

/** Whether a pod is ready. */
export interface PodChange {
  name: string;
  isReady: boolean;
}

/** Watches the pods of the namespace `default` over HTTP. */
export class PodWatch {
  readonly #access: Access;
  readonly #reasons = new Map<string, string>();

  constructor(access: Access) {
    this.#access = access;
  }

  /** Every pod now and at each change, until the signal aborts; then it ends without an error. */
  async *changes(signal: AbortSignal): AsyncIterable<PodChange> {
    using https = new HttpsTransport({ ...this.#access, userAgent: `coracle-demo/${VERSION}` });
    const path = "/api/v1/namespaces/default/pods?watch=true";
    try {
      const answer = await https.send({ method: "GET", path, signal });
      for await (const lines of linesOf(answer.body!, signal)) {
        for (const line of lines) {
          yield this.#changeOf((JSON.parse(line) as { object: Pod }).object);
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Why pods are not ready yet, as far as their containers say. */
  reasons(): string {
    return [...this.#reasons].map(([name, reason]) => `${name}: ${reason}`).join("; ") ||
      "no container gives a reason";
  }

  #changeOf({ metadata: { name }, status }: Pod): PodChange {
    const isReady = isConditionTrue(status.conditions, "Ready");
    const waiting = status.containerStatuses?.map(({ state }) => state?.waiting).find(Boolean);
    if (isReady) this.#reasons.delete(name);
    else this.#reasons.set(name, waiting?.message ?? waiting?.reason ?? status.phase);
    return { name, isReady };
  }
}
