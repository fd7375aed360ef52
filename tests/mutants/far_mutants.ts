import type { Mutant } from "./mutants.ts";

const REACH = ["core/traffic/reach_test.ts"];
const BACKENDS = ["core/traffic/service_backends_test.ts"];
const HUB = ["core/api/tunnels/traffic_hub_test.ts"];
const RELAY = ["agent/network/far/relay_test.ts"];

/** Planted bugs in how pods are reached to which no route leads, and in where Gateways are. */
export const FAR_MUTANTS: readonly Mutant[] = [
  {
    name: "one home like another: the same private address at two sites is one machine",
    file: "core/traffic/reach.ts",
    search: "const place = network !== ownNetwork",
    replace: "const place = ownNetwork === undefined",
    tests: REACH,
  },
  {
    name: "talking to nobody: a node that is lost is still asked through the tunnel",
    file: "core/traffic/reach.ts",
    search: "!isLost && hasTunnelTo(name)",
    replace: "hasTunnelTo(name)",
    tests: REACH,
  },
  {
    name: "hope: endpoints that cannot be reached get requests",
    file: "core/traffic/service_backends.ts",
    search: ' && wayTo(each) !== "none"',
    replace: "",
    tests: BACKENDS,
  },
  {
    name: "post by post: datagrams are led where only connections go",
    file: "core/traffic/service_backends.ts",
    search: 'protocol === "UDP" ? reach.datagramsTo(nodeName) : reach.wayTo(nodeName)',
    replace: "reach.wayTo(nodeName)",
    tests: BACKENDS,
  },
  {
    name: "open door: a node connects to any address of another by way of the server",
    file: "core/api/tunnels/traffic_hub.ts",
    search:
      'if (pod === undefined) throw unreachable(`no pod has ${address} on node "${node}"`);\n    return { ...target, uid: pod.metadata.uid };',
    replace: "return { ...target, ...(pod && { uid: pod.metadata.uid }) };",
    tests: HUB,
  },
  {
    name: "late visitor: the address of a pod that has finished is dialled",
    file: "core/traffic/far/pod_targets.ts",
    search: "!isFinished(pod) && ",
    replace: "",
    tests: HUB,
  },
  {
    name: "false sender: packets go out in the name of another node's pods",
    file: "core/traffic/far/packet_switch.ts",
    search: "if (!isOwn || send === undefined)",
    replace: "if (send === undefined || (!isOwn && send === undefined))",
    tests: ["core/traffic/far/packet_switch_test.ts"],
  },
  {
    name: "no room is too small: packets wait without a bound",
    file: "core/lib/mux/packets.ts",
    search: "this.#queuedBytes + packet.length > QUEUED_BYTES_MAX",
    replace: "packet.length > QUEUED_BYTES_MAX",
    tests: ["core/lib/mux/packets_test.ts"],
  },
  {
    name: "any word will do: the relay serves who does not know the secret",
    file: "agent/network/far/relay.ts",
    search: "if (!isSame(buffer.subarray(0, SECRET_BYTES), this.address.secret)) {",
    replace: "if (count < SECRET_BYTES) {",
    tests: RELAY,
  },
  {
    name: "cut short: a connection whose tunnel is lost looks as if it had ended",
    file: "proxy/engine/relaying_engine.ts",
    search: 'this.#owner.onClose("broken");',
    replace: 'this.#owner.onClose("ended");',
    tests: ["proxy/engine/relaying_engine_test.ts"],
  },
  {
    name: "back door: far pods reach their host by its address towards its pods",
    file: "agent/network/firewall_rules.ts",
    search: '    { is: "to", ranges: [gatewayOf(podCIDR)], yes: false },\n',
    replace: "",
    tests: ["agent/network/firewall_rules_test.ts"],
  },
  {
    name: "everywhere: the listeners of a Gateway are opened on all nodes",
    file: "proxy/table/build_route_table.ts",
    search: "if (nodeName === undefined) return all;",
    replace: "if (nodeName !== null) return all;",
    tests: ["proxy/table/build_route_table_test.ts"],
  },
  {
    name: "old way: an endpoint that is reached by another way from now on is dialled as before",
    file: "proxy/backends/backends.ts",
    search: "      known.use(endpoint);\n",
    replace: "",
    tests: ["proxy/backends/backends_test.ts"],
  },
];
