import { isInRange, parseIpv4, parseIpv4Range } from "../../lib/addresses/ipv4.ts";
import { type Node, nodes } from "../../resources/core/nodes/nodes.ts";
import { REMOTE_ADDRESS } from "../../traffic/reach.ts";
import { type Controller, NOTHING, type Plan, plan, update } from "../runtime/controller.ts";

/** The tunnels of nodes, as far as it matters where they come from. */
export interface NodeTunnels {
  /** Where the tunnel of a node comes from; `undefined` while it is not connected. */
  remoteAddressOf(node: string): string | undefined;
  /** Calls `listener` when the tunnel of a node has come or gone. Returns the stop. */
  onChange(listener: (node: string) => void): () => void;
}

/** Keeps the annotation of nodes that says behind which router they are (`core/traffic/reach.ts`). */
export function remoteAddressController(tunnels = NO_TUNNELS): Controller<Node> {
  return {
    name: "node-network-controller",
    resource: nodes,
    watches: [],
    workers: 1,
    outside: (_view, look) => tunnels.onChange((name) => look({ name })),
    reconcile(node): Plan {
      const from = tunnels.remoteAddressOf(node.metadata.name)?.replace(/^::ffff:/, "");
      if (from === undefined) return NOTHING; // it may come back from where it was
      const { [REMOTE_ADDRESS]: before, ...others } = node.metadata.annotations ?? {};
      const router = isOwnAddress(from, node) ? undefined : from;
      if (router === before) return NOTHING;
      const annotations = { ...others, ...(router && { [REMOTE_ADDRESS]: router }) };
      return plan([update(nodes, { ...node, metadata: { ...node.metadata, annotations } })]);
    },
  };
}

const NO_TUNNELS: NodeTunnels = {
  remoteAddressOf: () => undefined,
  onChange: () => () => {},
};

/** Nobody translates the addresses of who comes from its own address, or from this machine. */
function isOwnAddress(from: string, { status: { addresses = [] } }: Node): boolean {
  const number = parseIpv4(from);
  if (from === "::1" || (number !== undefined && isInRange(number, LOOPBACK))) return true;
  return addresses.some(({ type, address }) => type === "InternalIP" && address === from);
}
const LOOPBACK = parseIpv4Range("127.0.0.0/8")!;
