import assert from "node:assert/strict";
import { textAnswer } from "../../core/client/nodes/kubelet_api.ts";
import { messageBytes } from "../../core/client/remote_streams/part_reader.ts";
import { RemoteStreams } from "../../core/client/remote_streams/remote_streams.ts";
import { BODY_BYTES_MAX, RemoteKubelet } from "../../core/client/remote_streams/remote_kubelet.ts";
import type { StreamKind } from "../../core/client/tunnel/tunnel.ts";
import { concat } from "../../core/lib/bytes.ts";
import type { MuxStream } from "../../core/lib/mux/mux_stream.ts";
import { Random } from "../../core/lib/random.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import type { ReportDetail } from "../../core/usage/cluster_usage.ts";
import { RemoteUsage } from "../../core/usage/remote_usage.ts";
import { REPORT } from "../../core/usage/usage_fixture.ts";
import { kubeletKind } from "./kubelet_kind.ts";
import { remoteNode, settled } from "./remote_node_fixture.ts";
import { usageKind } from "./usage_kind.ts";

const REQUEST = { path: "/metrics", query: "a=b" };
const never = new AbortController().signal;
const encoder = new TextEncoder();

function withAgent(kindOf: (clock: VirtualClock) => StreamKind) {
  const clock = new VirtualClock(0);
  const fixture = remoteNode([kindOf(clock)], clock);
  return { ...fixture, clock, kubelet: new RemoteKubelet(fixture.node) };
}

/** An agent that says what it likes on each stream of a kind. */
function hostile(kind: string, say: (stream: MuxStream) => Promise<void>) {
  return withAgent(() => ({ kind, answer: say }));
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  return new TextDecoder().decode(concat(await Array.fromAsync(body)));
}

Deno.test("a route is asked with its query, and its status, type and body come back", async () => {
  const asked: unknown[] = [];
  const { kubelet, open } = withAgent((clock) =>
    kubeletKind({
      clock,
      kubelet: {
        ask: (request) => {
          asked.push(request);
          return Promise.resolve(textAnswer(404, "text/plain; charset=utf-8", "not here\n"));
        },
      },
    })
  );
  const { status, type, body } = await kubelet.ask(REQUEST, never);
  assert.deepEqual([status, type, await textOf(body)], [
    404,
    "text/plain; charset=utf-8",
    "not here\n",
  ]);
  assert.deepEqual(asked, [REQUEST]);
  await settled();
  assert.equal(open(), 0);
});

Deno.test("of an agent's answer neither redirects nor other types are passed on", async () => {
  const table: [object, string][] = [
    ...[100, 101, 199, 301, 302, 307, 399, 600, 2e9, -200, 200.5, NaN, "200"].map((
      status,
    ): [object, string] => [{ status, type: "text/plain" }, "refused"]),
    [{ status: 200, type: "text/html" }, "application/octet-stream"],
    [{ status: 200, type: "text/plain\r\nset-cookie: a=b" }, "application/octet-stream"],
    [{ status: 200, type: ["text/plain"] }, "application/octet-stream"],
    [{ status: 200 }, "application/octet-stream"],
    [{ status: 599, type: "application/json", location: "/x" }, "application/json"],
  ];
  for (const [answer, expected] of table) {
    const { kubelet, open } = hostile("kubelet", async (stream) => {
      await stream.write(messageBytes({ granted: true, ...answer }));
    });
    const got = await kubelet.ask(REQUEST, never).then(
      ({ type, body, ...rest }) => {
        assert.deepEqual(Object.keys(rest), ["status"]);
        return textOf(body).then(() => type);
      },
      (error) => {
        assert.match(error.message, /^the agent of node "edge" has answered with status /);
        return "refused";
      },
    );
    assert.equal(got, expected, JSON.stringify(answer));
    await settled();
    assert.equal(open(), 0);
  }
});

Deno.test("a body without an end is cut off, and costs no more than a window at a time", async () => {
  let sent = 0;
  const { kubelet, open } = hostile("kubelet", async (stream) => {
    await stream.write(messageBytes({ granted: true, status: 200, type: "text/plain" }));
    for (;; sent += 65_536) await stream.write(new Uint8Array(65_536));
  });
  const { body } = await kubelet.ask(REQUEST, never);
  await settled();
  assert.ok(sent < 1024 * 1024, `${sent} bytes wait for a reader`);
  let read = 0;
  await assert.rejects(
    async () => {
      for await (const piece of body) read += piece.length;
    },
    { message: `an answer of the agent of node "edge" has more than ${BODY_BYTES_MAX} bytes` },
  );
  assert.ok(read <= BODY_BYTES_MAX);
  await settled();
  assert.equal(open(), 0);
});

Deno.test("answers that are none, too long, nested or late end the stream and nothing else", async () => {
  const long = new Uint8Array(8);
  new DataView(long.buffer).setUint32(0, 0xffff_ffff);
  const table: [Uint8Array | undefined, RegExp][] = [
    [long, /lost connection .* a message of 4294967295 bytes is too long$/],
    [encoder.encode("\0\0\0\x02{]"), /lost connection/],
    [encoder.encode(`\0\0\0\x40${"[".repeat(64)}`), /lost connection/],
    [new Uint8Array(4), /lost connection/],
    [messageBytes([]), /without an answer$/],
    [messageBytes({}), /^the agent does not say why$/],
    [messageBytes({ refused: "constructor", message: "x".repeat(50_000) }), /^x{4096}$/],
    [undefined, /^dial timeout: the agent of node "edge" has not answered within 30 s$/],
  ];
  for (const [bytes, words] of table) {
    for (const kind of ["kubelet", "streams"]) {
      const { kubelet, node, clock, open } = hostile(kind, async (stream) => {
        if (bytes) await stream.write(bytes);
        await new Promise((resolve) => stream.lost.addEventListener("abort", resolve));
      });
      const pod = { namespace: "default", name: "web" };
      const asked = kind === "kubelet"
        ? kubelet.ask(REQUEST, never)
        : new RemoteStreams(node, new Random(1)).connect(pod, { port: 80, at: "address" });
      const refused = assert.rejects(asked, { message: words });
      refused.catch(() => {}); // awaited below
      await settled();
      await clock.advance(30_000);
      await refused;
      await settled();
      assert.equal(open(), 0, String(words));
    }
  }
});

Deno.test("what a node uses is asked of its agent; a report that is none is refused", async () => {
  const details: ReportDetail[] = [];
  const table: [unknown, RegExp | undefined][] = [
    [{ ...REPORT, node: "edge" }, undefined],
    [{ ...REPORT, node: "other" }, /cannot be used: it is of node "other"$/],
    [{ ...REPORT, node: "edge", cpu: 5 }, /cannot be used: cpu: /],
    [[], /cannot be used/],
  ];
  for (const [report, fault] of table) {
    const { node, open } = withAgent((clock) =>
      usageKind({
        clock,
        usage: {
          report: (detail) => {
            details.push(detail!);
            return Promise.resolve(report as typeof REPORT);
          },
        },
      })
    );
    const asked = new RemoteUsage(node).report({ withFiles: true });
    if (fault) await assert.rejects(asked, fault);
    else assert.deepEqual(await asked, report);
    await settled();
    assert.equal(open(), 0);
  }
  assert.deepEqual(details.at(-1), { withFiles: true });
  const endless = hostile("usage", async (stream) => {
    await stream.write(messageBytes({ granted: true }));
    for (;;) await stream.write(new Uint8Array(65_536));
  });
  await assert.rejects(new RemoteUsage(endless.node).report(), /it is too long$/);
  const slow = hostile("usage", async (stream) => {
    await stream.write(messageBytes({ granted: true }));
    await new Promise((resolve) => stream.lost.addEventListener("abort", resolve));
  });
  const late = assert.rejects(new RemoteUsage(slow.node).report(), /has not answered within 60 s$/);
  await settled();
  await slow.clock.advance(60_000);
  await late;
  await settled();
  assert.equal(slow.open(), 0);
});
