import type { StreamKind } from "../../core/client/tunnel/tunnel.ts";
import type { Clock } from "../../core/lib/clock.ts";
import type { ReportDetail, UsageSource } from "../../core/usage/cluster_usage.ts";
import { USAGE } from "../../core/usage/remote_usage.ts";
import { Asked } from "./asked.ts";

/** Says what this node uses when a server asks: RemoteUsage is its other end. */
export function usageKind({ usage, clock }: { usage: UsageSource; clock: Clock }): StreamKind {
  return {
    kind: USAGE,
    answer: async (stream, _head, signal) => {
      const asked = new Asked(stream, signal, clock);
      try {
        const report = await usage.report(await asked.request() as ReportDetail);
        await asked.grant();
        await stream.write(new TextEncoder().encode(JSON.stringify(report)));
        stream.end();
      } catch (error) {
        asked.fail(error);
      }
    },
  };
}
