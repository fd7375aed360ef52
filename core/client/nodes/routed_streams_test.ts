import assert from "node:assert/strict";
import { nodes } from "../../resources/core/nodes/nodes.ts";
import type { AnyResource } from "../../resources/resource.ts";
import { isRefusal } from "../api_error.ts";
import type { LogOptions, NodeStreams } from "../node_streams.ts";
import { RoutedStreams } from "./routed_streams.ts";
import { UnreachableNode } from "./unreachable_node.ts";

const POD = { namespace: "default", name: "web" };
const never = new AbortController().signal;
const streams = { stdin: false, stdout: true, stderr: false, tty: false };
const LOG = { container: "main", follow: true } as LogOptions;

function routed(node?: Partial<NodeStreams>): RoutedStreams {
  const pod = { metadata: POD, spec: { nodeName: "edge" } };
  const edge = { status: { addresses: [{ type: "InternalIP", address: "10.0.0.7" }] } };
  return new RoutedStreams({
    view: { get: (resource: AnyResource) => (resource === nodes ? edge : pod) as never },
    nodes: new Map(node ? [["edge", node as NodeStreams]] : []),
  });
}

Deno.test("a node without a connection is told as kube-apiserver tells it", async () => {
  const away = 'No agent available: node "edge" has no connection to this server';
  const url = 'Get "https://10.0.0.7:10250/containerLogs/default/web/main?follow=true"';
  assert.throws(
    () => routed().logs(POD, LOG, never),
    (error) => isRefusal(error, "InternalError") && error.message === `${url}: ${away}`,
  );
  const backend = { name: "ApiError", message: `error dialing backend: ${away}` };
  await assert.rejects(routed().exec(POD, { container: "main", command: [], streams }), backend);
  await assert.rejects(routed().attach(POD, { container: "main", streams }), backend);
  assert.throws(() => routed().reach(POD), backend);
  await assert.rejects(routed().connect(POD, { port: 80, at: "address" }), {
    name: "UnreachableNode",
    message: away,
  });
});

Deno.test("a log that breaks off says why, and not what was asked first", async () => {
  const log = routed({
    async *logs() {
      yield new Uint8Array();
      throw await Promise.resolve(UnreachableNode.lost("edge", "cut"));
    },
  }).logs(POD, LOG, never);
  await assert.rejects(Array.fromAsync(log), {
    name: "ApiError",
    message: 'lost connection to the agent of node "edge": cut',
  });
});
