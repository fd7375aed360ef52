import type { Client, View } from "../../core/client/client.ts";
import type { Clock } from "../../core/lib/clock.ts";
import { type Lease, leases } from "../../core/resources/coordination/leases.ts";
import type { Node } from "../../core/resources/core/nodes/nodes.ts";

/** The kubelet's `nodeLeaseDurationSeconds`, renewed four times in it. */
const LEASE_SECONDS = 40;
export const LEASE_RENEW_MS = 10_000;
const LEASE_NAMESPACE = "kube-node-lease";

export interface NodeLeaseOptions {
  client: Pick<Client, "create" | "update">;
  view: Pick<View, "get">;
  nodeName: string;
  clock: Clock;
}

/** The lease of a node, which says that its agent lives. The view need not show the node's own renewals. */
export class NodeLease {
  readonly #options: NodeLeaseOptions;
  /** As this node wrote it last, and what the view showed then. */
  #renewed: { lease: Lease; seen: Lease | undefined } | undefined;

  constructor(options: NodeLeaseOptions) {
    this.#options = options;
  }

  /** Makes or renews it. Rejects with a refusal when somebody else has written it and the view does not show that yet. */
  async renew({ metadata: { uid } }: Node): Promise<void> {
    const { client, view, nodeName, clock } = this.#options;
    const name = { namespace: LEASE_NAMESPACE, name: nodeName };
    const seen = view.get(leases, name);
    const lease = this.#renewed && this.#renewed.seen === seen ? this.#renewed.lease : seen;
    this.#renewed = undefined; // unless it works, what the view shows counts
    const spec = {
      holderIdentity: nodeName,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: new Date(clock.now()).toISOString().replace("Z", "000Z"),
    };
    const ownerReferences = [{ apiVersion: "v1", kind: "Node", name: nodeName, uid }];
    const written = lease === undefined
      ? await client.create(leases, { metadata: { ...name, ownerReferences }, spec })
      : await client.update(leases, { ...lease, spec: { ...lease.spec, ...spec } });
    this.#renewed = { lease: written, seen };
  }
}
