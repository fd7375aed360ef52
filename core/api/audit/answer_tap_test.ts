import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { Random } from "../../lib/random.ts";
import { VirtualClock } from "../../lib/virtual_clock.ts";
import { requestInfoOf } from "../http/request_info.ts";
import { failure } from "../http/status.ts";
import { ApiError } from "../../client/api_error.ts";
import { tapAnswer } from "./answer_tap.ts";
import { Audit } from "./audit.ts";
import { AuditedRequest } from "./audited_request.ts";
import { BODY_BYTES_MAX, type Observation } from "./event.ts";
import type { Level, Policy } from "./policy.ts";

const clock = new VirtualClock(0);
const user = { name: "jane", groups: [] };
const PATH = "/api/v1/namespaces/a/pods/b";

function auditing(level: Level) {
  const seen: Observation[] = [];
  const policy: Policy = { rules: [{ level }] };
  return { policy, seen, clock, sink: { write: (one: Observation) => seen.push(one) } };
}

/** What is told of an answer that `act` gives to a request for PATH, and what the client gets. */
async function answered(act: (outgoing: ServerResponse) => void, level: Level, path = PATH) {
  const parts = auditing(level);
  const server = createServer((_, outgoing) => {
    const arrival = { id: "1", method: "GET", requestUri: path, contentType: "" };
    const url = `https://x${path}`;
    const record = new AuditedRequest(parts, { ...arrival, url, userAgent: "", sourceIps: [] });
    tapAnswer(outgoing, record);
    record.identified(user, requestInfoOf("GET", url));
    outgoing.once("close", () => record.ended());
    act(outgoing);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  const text = await answer.text();
  server.close();
  server.closeAllConnections();
  await once(server, "close");
  const { stage, code, response } = parts.seen.at(-1)!;
  const body = response?.bytes && new TextDecoder().decode(response.bytes);
  return { text, stage, code, body, response, stages: parts.seen.map((one) => one.stage) };
}

const JSON_HEADERS = { "content-type": "application/json; charset=utf-8" };

Deno.test("answer tap: a whole answer is sent as without, and told of", async () => {
  const told = await answered((outgoing) => {
    outgoing.writeHead(200, JSON_HEADERS);
    outgoing.write(new TextEncoder().encode('{"a":'));
    outgoing.end("1}");
  }, "RequestResponse");
  assert.equal(told.text, '{"a":1}');
  assert.equal(told.body, '{"a":1}');
  assert.equal(told.response!.type, "application/json");
  assert.deepEqual([told.stage, told.code], ["ResponseComplete", 200]);
});

Deno.test("answer tap: the body is kept of refusals alone where the level does not ask for it", async () => {
  const answer = (code: number) => (outgoing: ServerResponse) => {
    outgoing.writeHead(code, JSON_HEADERS).end("{}");
  };
  assert.equal((await answered(answer(200), "Metadata")).response, undefined);
  assert.equal((await answered(answer(404), "Metadata")).body, "{}");
});

Deno.test("answer tap: of an answer that is too large nothing is kept", async () => {
  const told = await answered((outgoing) => {
    outgoing.writeHead(200, JSON_HEADERS);
    for (let i = 0; i < 3; i++) outgoing.write(new Uint8Array(BODY_BYTES_MAX / 2));
    outgoing.end();
  }, "RequestResponse");
  assert.equal(told.text.length, BODY_BYTES_MAX * 1.5);
  assert.ok(told.response && told.response.bytes === undefined);
});

Deno.test("answer tap: a long answer is told of when it starts, and its body is not kept", async () => {
  const told = await answered(
    (outgoing) => outgoing.writeHead(200).end("a line\n"),
    "RequestResponse",
    `${PATH}/log`,
  );
  assert.deepEqual(told.stages, ["RequestReceived", "ResponseStarted", "ResponseComplete"]);
  assert.equal(told.response, undefined);
});

Deno.test("audit: an upgrade starts when its first byte is written; a refusal is told of with its Status", async () => {
  const { policy, sink, seen } = auditing("Metadata");
  const audit = new Audit({ policy, sink, clock, random: new Random(1) });
  const url = `${PATH}/exec?command=ls`;
  const incoming = Object.assign(new EventEmitter(), { url, method: "GET", headers: {} });
  const info = requestInfoOf("GET", `https://x${url}`);
  const upgrade = () => ({
    incoming: incoming as unknown as IncomingMessage,
    socket: new PassThrough(),
    head: new Uint8Array(),
  });
  const taken = upgrade();
  await audit.watchUpgrade(taken, (record) => {
    record.identified(user, info);
    assert.deepEqual(seen.map(({ stage }) => stage), ["RequestReceived"]);
    taken.socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    assert.equal(seen.at(-1)!.stage, "ResponseStarted");
    return Promise.resolve(undefined);
  });
  assert.deepEqual([seen.at(-1)!.stage, seen.at(-1)!.code], ["ResponseComplete", 101]);
  assert.equal(String(taken.socket.read()), "HTTP/1.1 101 Switching Protocols\r\n\r\n");
  const refused = await audit.watchUpgrade(upgrade(), (record) => {
    record.identified(user, info);
    return Promise.resolve(failure(new ApiError("Forbidden", "no")));
  });
  assert.equal(refused!.code, 403);
  assert.equal(seen.at(-1)!.code, 403);
  assert.match(new TextDecoder().decode(seen.at(-1)!.response!.bytes!), /"message":"no"/);
});
