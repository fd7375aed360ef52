import type { KubeletApi, KubeletRequest } from "../../core/client/nodes/kubelet_api.ts";
import { KUBELET } from "../../core/client/remote_streams/remote_kubelet.ts";
import type { StreamKind } from "../../core/client/tunnel/tunnel.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { Asked } from "./asked.ts";

/** Answers what a server asks of the routes of this node: RemoteKubelet is its other end. */
export function kubeletKind({ kubelet, clock }: { kubelet: KubeletApi; clock: Clock }): StreamKind {
  return {
    kind: KUBELET,
    answer: async (stream, _head, signal) => {
      const asked = new Asked(stream, signal, clock);
      try {
        const request = await asked.request() as KubeletRequest;
        const { status, type, body } = await kubelet.ask(request, signal);
        await asked.grant({ status, type });
        for await (const piece of body) await stream.write(piece);
        stream.end();
      } catch (error) {
        asked.fail(error);
      }
    },
  };
}
