import assert from "node:assert/strict";
import type { NodeStreams } from "../../client/node_streams.ts";
import { pods } from "../../resources/core/pods/pods.ts";
import { type ApiFixture, echoingNode, freshApi } from "../api_fixture.ts";

import { upgradeAt, WEBSOCKET } from "./upgrade_fixture.ts";

const PODS = "/api/v1/namespaces/default/pods";

/** A pod on a node whose containers are in the given states. */
async function withPod(
  states: Record<string, unknown>,
  nodeStreams?: NodeStreams,
): Promise<ApiFixture> {
  const fixture = await freshApi(nodeStreams ? { nodeStreams } : {});
  const names = Object.keys(states);
  const containers = names.map((name) => ({ name, image: "b" }));
  await fixture.ask("POST", PODS, { metadata: { name: "web" }, spec: { containers } });
  const containerStatuses = names.map((name) => ({ name, image: "b", state: states[name] }));
  await fixture.objects.amend(pods, { namespace: "default", name: "web" }, (pod) => ({
    ...pod,
    spec: { ...(pod as unknown as { spec: object }).spec, nodeName: "n1" },
    status: { phase: "Running", containerStatuses },
  } as typeof pod));
  return fixture;
}

const RUNNING = { running: { startedAt: "2026-01-01T00:00:00Z" } };

Deno.test("a log comes as plain text, with the options of the query", async () => {
  const { ask } = await withPod({ a: RUNNING });
  const answer = await ask("GET", `${PODS}/web/log?tailLines=5`);
  assert.equal(answer.headers.get("content-type"), "text/plain");
  assert.equal(await answer.text(), "web/a tail=5\n");
});

Deno.test("a followed log ends with the reader", async () => {
  let signal: AbortSignal | undefined;
  const node: NodeStreams = {
    ...echoingNode,
    async *logs(_pod, _options, end) {
      signal = end;
      yield new TextEncoder().encode("one\n");
      await new Promise((resolve) => end.addEventListener("abort", resolve, { once: true }));
    },
  };
  const { ask } = await withPod({ a: RUNNING }, node);
  const reader = (await ask("GET", `${PODS}/web/log?follow=true`)).body!.getReader();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "one\n");
  assert.equal(signal?.aborted, false);
  await reader.cancel();
  assert.equal(signal?.aborted, true);
});

Deno.test("a log that cannot be had says why, in Kubernetes' words", async () => {
  const waiting = { waiting: { reason: "ContainerCreating" } };
  const table: [Record<string, unknown>, string, number, string][] = [
    [
      { a: RUNNING, b: RUNNING },
      "",
      400,
      "a container name must be specified for pod web, choose one of: [a b]",
    ],
    [{ a: RUNNING }, "?container=x", 400, "container x is not valid for pod web"],
    [{ a: waiting }, "", 400, 'container "a" in pod "web" is waiting to start: ContainerCreating'],
    [
      { a: { waiting: { reason: "ImagePullBackOff" } } },
      "",
      400,
      'container "a" in pod "web" is waiting to start: trying and failing to pull image',
    ],
    [
      { a: RUNNING },
      "?previous=true",
      400,
      'previous terminated container "a" in pod "web" not found',
    ],
    [
      { a: RUNNING },
      "?tailLines=-1",
      422,
      'PodLogOptions "web" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      { a: RUNNING },
      "?stream=All",
      422,
      'PodLogOptions "web" is invalid: stream: Forbidden: may not be specified',
    ],
    [
      { a: RUNNING },
      "?tailLines=-1&limitBytes=0",
      422,
      'PodLogOptions "web" is invalid: [tailLines: Invalid value: -1: must be greater than or equal to 0, limitBytes: Invalid value: 0: must be greater than 0]',
    ],
    [{ a: RUNNING }, "?tailLines=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
    [
      { a: RUNNING },
      "?sinceTime=abc",
      400,
      'parsing time "abc" as "2006-01-02T15:04:05Z07:00": cannot parse "abc" as "2006"',
    ],
    [
      { a: RUNNING },
      "?sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z",
      422,
      'PodLogOptions "web" is invalid: []: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
    ],
  ];
  for (const [states, query, code, message] of table) {
    const { ask } = await withPod(states);
    const answer = await ask("GET", `${PODS}/web/log${query}`);
    assert.deepEqual([answer.status, (await answer.json()).message], [code, message]);
  }
  const { ask } = await freshApi();
  assert.equal((await ask("GET", `${PODS}/none/log`)).status, 404);
});

Deno.test("a node that cannot give the log is a Status", async () => {
  const { ApiError } = await import("../../client/api_error.ts");
  const node: NodeStreams = {
    ...echoingNode,
    // deno-lint-ignore require-yield
    async *logs() {
      throw new ApiError("ServiceUnavailable", "the node is not reachable");
    },
  };
  const { ask } = await withPod({ a: RUNNING }, node);
  assert.equal((await ask("GET", `${PODS}/web/log`)).status, 503);
});

Deno.test("a log comes by WebSocket too, as bytes or as base64", async () => {
  const fixture = await withPod({ a: RUNNING });
  const line = "web/a tail=undefined\n";
  for (
    const [protocol, wanted] of [
      ["binary.k8s.io", `\x82\x00\x82\x15${line}`],
      ["base64.binary.k8s.io", `\x81\x00\x81\x1c${btoa(line)}`],
    ] as const
  ) {
    const headers = { ...WEBSOCKET, "sec-websocket-protocol": protocol };
    const { client, until } = upgradeAt(fixture, `${PODS}/web/log`, headers);
    const text = await until("\x88\x02\x03\xe8"); // the end of the log is a good-bye
    assert.ok(text.includes(`Sec-WebSocket-Protocol: ${protocol}\r\n\r\n${wanted}`), text);
    client.end();
  }
});
