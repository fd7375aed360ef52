import assert from "node:assert/strict";
import { type KubeletApi, textAnswer } from "../../../client/nodes/kubelet_api.ts";
import { UnreachableNode } from "../../../client/nodes/unreachable_node.ts";
import type { NodeStreams } from "../../../client/node_streams.ts";
import { LocalClient } from "../../../objects/local_client.ts";
import { nodes } from "../../../resources/core/nodes/nodes.ts";
import { echoingNode, freshApi } from "../../api_fixture.ts";
import { addRunningPod, upgradeAt, WEBSOCKET } from "../upgrade_fixture.ts";
import { clientFrame } from "../../../lib/websocket/client_frame_fixture.ts";
import { containerPath } from "./container_paths.ts";

const PROXY = "/api/v1/nodes/n1/proxy";

async function cluster(kubelet?: KubeletApi, streams: NodeStreams = echoingNode) {
  const nodeStreams = {
    ...streams,
    kubeletOf: (name: string) => name === "n1" ? kubelet : undefined,
  };
  const fixture = await freshApi({ nodeStreams });
  const client = new LocalClient(fixture.objects);
  for (const name of ["n1", "n2"]) await client.create(nodes, { metadata: { name } });
  await addRunningPod(fixture, "web");
  return fixture;
}

Deno.test("what is asked of a node is asked of its agent, and answered as that answers", async () => {
  const asked: object[] = [];
  const { ask } = await cluster({
    ask: (request) => {
      asked.push(request);
      const isFound = request.path === "/metrics";
      return Promise.resolve(
        textAnswer(isFound ? 200 : 405, "text/plain; charset=utf-8", `${request.path}\n`),
      );
    },
  });
  const table: [string, string, number, string][] = [
    ["GET", "/metrics?x=1", 200, "/metrics\n"],
    ["GET", "/metrics/", 200, "/metrics\n"],
    ["GET", "", 405, "\n"],
    ["GET", "/logs/syslog", 405, "/logs/syslog\n"],
  ];
  for (const [method, path, status, text] of table) {
    const answer = await ask(method, PROXY + path);
    assert.deepEqual([answer.status, await answer.text()], [status, text], path);
  }
  assert.deepEqual(asked[0], { path: "/metrics", query: "x=1" });
  assert.equal((await ask("GET", PROXY.replace("n1", "https:n1:10250") + "/metrics")).status, 200);
  assert.equal((await ask("POST", `${PROXY}/metrics`)).status, 405);
  const other = await ask("GET", PROXY.replace("n1", "n1:22") + "/");
  assert.equal(other.status, 403);
  assert.equal((await ask("GET", PROXY.replace("n1", "none") + "/")).status, 404);
  const nobody = await ask("GET", `${PROXY}/metrics`, undefined, { authorization: "Bearer x" });
  assert.equal(nobody.status, 401);
});

Deno.test("an agent that cannot be asked is a 503 that says why", async () => {
  const { ask } = await cluster({ ask: () => Promise.reject(UnreachableNode.late("n1", 30_000)) });
  const answer = await ask("GET", `${PROXY}/metrics`);
  const { message, reason } = await answer.json();
  assert.deepEqual([answer.status, reason, message], [
    503,
    "ServiceUnavailable",
    'error trying to reach service: dial timeout: the agent of node "n1" has not answered within 30 s',
  ]);
  assert.equal((await ask("GET", "/api/v1/nodes/n2/proxy/pods")).status, 503);
});

Deno.test("logs and commands of containers are those of the pods of the node, in the kubelet's words", async () => {
  const { ask } = await cluster();
  const table: [string, string, number, string | RegExp][] = [
    ["GET", "/containerLogs/default/web/main", 200, "web/main tail=undefined\n"],
    ["GET", "/containerLogs/default/web/main?tailLines=2", 200, "web/main tail=2\n"],
    ["GET", "/containerLogs/default/web/main?tail=3", 200, "web/main tail=3\n"],
    ["GET", "/containerLogs/default/web/main?tail=all", 200, "web/main tail=undefined\n"],
    ["GET", "/containerLogs/default/none/main", 404, 'pod "none" does not exist'],
    [
      "GET",
      "/containerLogs/default/web/x",
      404,
      'container "x" not found in pod "web"',
    ],
    ["GET", "/containerLogs/default/web/main?tailLines=-1", 422, '{"message": "Invalid request."}'],
    ["POST", "/containerLogs/default/web/main", 405, /method/],
    ["POST", "/run/default/web/main?cmd=ls%200", 200, "ls 0\n"],
    ["POST", "/run/default/web/main?cmd=ls%203", 500, "command 'ls 3' exited with 3: ls 3\n"],
    ["POST", "/run/default/web/wrong-uid/main?cmd=ls", 404, "pod does not exist"],
    ["GET", "/run/default/web/main?cmd=ls", 405, /method/],
    ["POST", "/exec/default/web/main?command=ls&output=1", 400, "Upgrade request required"],
    ["POST", "/exec/default/none/main?command=ls&output=1", 404, "pod does not exist"],
  ];
  for (const [method, path, status, text] of table) {
    const answer = await ask(method, PROXY + path);
    const said = await answer.text();
    assert.equal(answer.status, status, `${path}: ${said}`);
    if (typeof text === "string") assert.equal(said, text, path);
    else assert.match(said, text);
    // A pod of another node is none of this one.
    const other = await ask(method, PROXY.replace("n1", "n2") + path);
    if (status === 200) assert.equal(other.status, 404, path);
  }
});

Deno.test("commands and attachments by upgrade have the kubelet's names for their streams", async () => {
  const fixture = await cluster();
  const headers = { ...WEBSOCKET, "sec-websocket-protocol": "v4.channel.k8s.io" };
  const exec = `${PROXY}/exec/default/web/main?command=run&command=0&input=1&output=1`;
  const { client, until } = upgradeAt(fixture, exec, headers);
  client.write(clientFrame(2, Uint8Array.of(0, 104, 105)));
  assert.match(await until("hi"), /^HTTP\/1\.1 101 /);
  client.end();
  const attached = upgradeAt(fixture, `${PROXY}/attach/default/web/main?output=1`, headers);
  assert.match(await attached.until("attached"), /attached\n/);
  const refused: [string, number, string][] = [
    [
      `${PROXY}/exec/default/web/main?command=run`,
      400,
      "you must specify at least 1 of stdin, stdout, stderr",
    ],
    [`${PROXY}/exec/default/none/main?command=run&output=1`, 404, "pod does not exist"],
    [
      `${PROXY.replace("n1", "n2")}/exec/default/web/main?command=a&output=1`,
      404,
      "pod does not exist",
    ],
    [`${PROXY}/portForward/default/none`, 404, "pod does not exist"],
    [`${PROXY}/metrics`, 405, "the server does not allow this method on the requested resource"],
  ];
  for (const [url, code, message] of refused) {
    const refusal = await upgradeAt(fixture, url, headers).done;
    assert.deepEqual([refusal?.code, refusal?.message], [code, message], url);
  }
});

Deno.test("paths of containers are read as a kubelet reads them", () => {
  const web = { namespace: "default", pod: "web" };
  const table: [string, ReturnType<typeof containerPath>][] = [
    ["/exec/default/web/a%2Db", { what: "exec", ...web, container: "a-b" }],
    ["/exec/default/web/u1/main", { what: "exec", ...web, uid: "u1", container: "main" }],
    ["/attach/default/web/main", { what: "attach", ...web, container: "main" }],
    ["/portForward/default/web", { what: "portForward", ...web, container: "" }],
    ["/portForward/default/web/u1", { what: "portForward", ...web, uid: "u1", container: "" }],
    ["/containerLogs/default/web/main", { what: "containerLogs", ...web, container: "main" }],
    ["/containerLogs/default/web", undefined],
    ["/containerLogs/default/web/u1/main", undefined],
    ["/exec/default/web", undefined],
    ["/exec/default/web/", undefined],
    ["/exec//web/main", undefined],
    ["/exec/default/web/u1/main/more", undefined],
    ["/constructor/default/web/main", undefined],
    ["/metrics", undefined],
    ["", undefined],
    ["/exec/%/web/main", { what: "exec", namespace: "%", pod: "web", container: "main" }],
  ];
  for (const [path, expected] of table) assert.deepEqual(containerPath(path), expected, path);
});
