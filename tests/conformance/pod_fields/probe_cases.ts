import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type FieldCase, isReady, under } from "./field_case.ts";
import { podOf, type ProcessCluster } from "./process_cluster.ts";
import { Questioned } from "./questioned.ts";

const KINDS = ["livenessProbe", "readinessProbe", "startupProbe"] as const;
type Kind = typeof KINDS[number];

const SLEEP = "sleep 600";
const WORD = { livenessProbe: "Liveness", readinessProbe: "Readiness", startupProbe: "Startup" };

/** Every field of the three probes, each seen by the server that is asked or by what becomes of the pod. */
export const PROBE_CASES: readonly FieldCase<ProcessCluster>[] = [
  ...KINDS.flatMap((kind) => [
    {
      name: `${kind}: an HTTP request to a path, a port and a host, with headers`,
      fields: fieldsOf(kind, "path", "port", "host", "httpHeaders[].name", "httpHeaders[].value")(
        "httpGet",
      ),
      run: asking(kind, httpGet),
    },
    {
      name: `${kind}: over TLS`,
      fields: fieldsOf(kind, "scheme")("httpGet"),
      run: asking(kind, overTls),
    },
    {
      name: `${kind}: a TCP connection to a port and a host`,
      fields: fieldsOf(kind, "port", "host")("tcpSocket"),
      run: asking(kind, tcpSocket),
    },
    {
      name: `${kind}: a call of the health service of gRPC`,
      fields: fieldsOf(kind, "port", "service")("grpc"),
      run: asking(kind, grpc),
    },
    {
      name: `${kind}: a command in the container`,
      fields: fieldsOf(kind, "command")("exec"),
      run: asking(kind, exec),
    },
    {
      name: `${kind}: begins late, and then asks in its period`,
      fields: under(`containers[].${kind}`, "initialDelaySeconds", "periodSeconds"),
      run: asking(kind, times),
    },
    {
      name: `${kind}: an answer that takes too long is none`,
      fields: under(`containers[].${kind}`, "timeoutSeconds"),
      run: asking(kind, timeout),
    },
    {
      name: `${kind}: so many bad answers in a row are one too many`,
      fields: under(`containers[].${kind}`, "failureThreshold"),
      run: asking(kind, kind === "readinessProbe" ? failsReadiness : failsRun),
    },
    {
      name: `${kind}: so many good answers in a row are enough`,
      fields: under(`containers[].${kind}`, "successThreshold"),
      run: asking(kind, kind === "readinessProbe" ? succeeds : succeedsOnce),
    },
    {
      name: `${kind}: a grace period of its own`,
      fields: under(`containers[].${kind}`, "terminationGracePeriodSeconds"),
      run: asking(kind, kind === "readinessProbe" ? graceRefused : ownGrace),
    },
  ]),
  {
    name: "a probe finds its port by name",
    fields: under("containers[].ports[]", "name", "containerPort"),
    run: asking("readinessProbe", portName),
  },
];

interface Asking {
  cluster: ProcessCluster;
  kind: Kind;
  /** Of the pod, and of the path that is asked for. */
  name: string;
  questioned: Questioned;
}

function fieldsOf(kind: Kind, ...names: string[]): (handler: string) => string[] {
  return (handler) => under(`containers[].${kind}.${handler}`, ...names);
}

/** Runs a case with a server to be asked; its pods are gone before the server is. */
function asking(kind: Kind, run: (asking: Asking) => Promise<void>) {
  return async (cluster: ProcessCluster) => {
    const questioned = new Questioned();
    const dashed = `${kind}-${run.name}`.replaceAll(/[A-Z]/g, (letter) => `-${letter}`);
    const name = dashed.toLowerCase();
    try {
      await run({ cluster, kind, name, questioned });
    } finally {
      await cluster.delete(name, "?gracePeriodSeconds=0");
      await questioned.end();
    }
  };
}

/** A pod that does nothing but be asked. */
async function ask({ cluster, kind, name }: Asking, probe: object, more: object = {}) {
  const container = { [kind]: { periodSeconds: 1, ...probe }, ...more };
  await cluster.apply(podOf(name, { script: SLEEP, container, spec: { restartPolicy: "Always" } }));
}

function get({ name, questioned: { port } }: Asking): object {
  return { httpGet: { host: "127.0.0.1", port, path: `/${name}` } };
}

async function httpGet(asking: Asking): Promise<void> {
  const { cluster, name, questioned: { port } } = asking;
  const path = `/${name}?deep=1`;
  const httpHeaders = [{ name: "X-Rank", value: "mate" }, { name: "Host", value: "crew" }];
  await ask(asking, { httpGet: { host: "127.0.0.1", port, path, httpHeaders } });
  const [question] = await asking.questioned.asked(path, 1);
  const headers = ["x-rank", "host", "user-agent"].map((name) => question!.headers.get(name));
  assert.deepEqual(headers, ["mate", "crew", "kube-probe/1.34"]);
  await cluster.podWhen(name, isReady);
}

async function grpc(asking: Asking): Promise<void> {
  const { cluster, name } = asking;
  const services = `${cluster.dataFolder}/${name}`;
  const server = fileURLToPath(new URL("../../health_server.ts", import.meta.url));
  const probe = { grpc: { port: 50_051, service: "shop" }, failureThreshold: 60 };
  const command = [Deno.execPath(), "run", "-A", "--no-lock", server, "50051", services];
  await ask(asking, probe, { command });
  await cluster.podWhen(name, isReady);
  await cluster.fileWhen(services, (text) => text.startsWith("shop\n"));
}

/** The API server is one that answers over TLS. */
async function overTls({ cluster, kind, name, ...rest }: Asking): Promise<void> {
  const port = Number(new URL(cluster.server.address).port);
  const httpGet = { host: "127.0.0.1", port, path: "/livez", scheme: "HTTPS" };
  await ask({ cluster, kind, name, ...rest }, { httpGet });
  await cluster.podWhen(name, isReady);
  if (kind === "livenessProbe") return; // over plain HTTP it would be restarted: there is nothing to wait for
  const plain = { ...httpGet, scheme: "HTTP" };
  const bad = { cluster, kind, name: `${name}-plain`, ...rest };
  await ask(bad, { httpGet: plain });
  await cluster.eventOf(bad.name, "Unhealthy", /probe failed/);
  await cluster.delete(bad.name, "?gracePeriodSeconds=0");
}

async function tcpSocket(asking: Asking): Promise<void> {
  const { cluster, name } = asking;
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const connected = listener.accept();
  await ask(asking, { tcpSocket: { host: "127.0.0.1", port } });
  (await connected).close();
  await cluster.podWhen(name, isReady);
}

async function exec(asking: Asking): Promise<void> {
  const { cluster, name } = asking;
  const path = `${cluster.dataFolder}/${name}`;
  await ask(asking, { exec: { command: ["sh", "-c", `echo asked >> ${path}`] } });
  await cluster.fileWhen(path, (text) => text.startsWith("asked\n"));
  await cluster.podWhen(name, isReady);
}

/** Between periods, only readiness and startup are asked, and only until they succeed. */
async function times(asking: Asking): Promise<void> {
  const [delayMs, periodMs, count] = [1_000, 1_000, 3];
  const begunMs = performance.now();
  if (asking.kind === "startupProbe") asking.questioned.answer(`/${asking.name}`, () => 503);
  await ask(asking, {
    ...{ ...get(asking), initialDelaySeconds: delayMs / 1_000, failureThreshold: 100 },
    ...{ periodSeconds: periodMs / 1_000, timeoutSeconds: 600 },
  });
  const isEager = asking.kind === "startupProbe";
  const questions = await asking.questioned.asked(`/${asking.name}`, isEager ? 9 : count);
  const firstMs = questions[0]!.atMs - begunMs;
  assert.ok(firstMs >= delayMs, `asked after ${firstMs} ms`);
  const lastMs = questions.at(-1)!.atMs - begunMs;
  assert.ok(lastMs >= delayMs + periodMs, `asked again after ${lastMs} ms`);
}

async function timeout(asking: Asking): Promise<void> {
  const { cluster, kind, name, questioned } = asking;
  const silence = Promise.withResolvers<number>();
  questioned.answer(`/${name}`, () => silence.promise);
  const begunMs = performance.now(); // when a question came is known here a little later than it came
  await ask(asking, { ...get(asking), timeoutSeconds: 2, failureThreshold: 100 });
  const words = new RegExp(
    `${WORD[kind]} probe failed: Get .*/${name}.*: context deadline exceeded`,
  );
  await cluster.eventOf(name, "Unhealthy", words);
  assert.ok(performance.now() - begunMs >= 2_000, "it did not wait for as long as it says");
  silence.resolve(503);
}

/** One bad answer fewer than the threshold does nothing, however often. */
async function failsRun(asking: Asking): Promise<void> {
  const { cluster, name, questioned } = asking;
  let isBad = false;
  questioned.answer(`/${name}`, () => isBad ? 503 : 200);
  if (asking.kind === "startupProbe") isBad = true;
  await ask(asking, { ...get(asking), failureThreshold: 2 });
  if (asking.kind === "livenessProbe") {
    await cluster.podWhen(name, isReady);
    const before = questioned.questions(`/${name}`).length;
    questioned.answer(`/${name}`, ({ length }) => (length - before) % 2 === 0 ? 503 : 200);
    await questioned.asked(`/${name}`, before + 4);
    const { status } = await cluster.podWhen(name, () => true);
    assert.equal(status.containerStatuses![0]!.restartCount, 0, "single bad answers ended it");
    questioned.answer(`/${name}`, () => 503);
  }
  await cluster.podWhen(name, ({ status }) => status.containerStatuses?.[0]?.restartCount);
}

async function failsReadiness(asking: Asking): Promise<void> {
  const { cluster, name, questioned } = asking;
  const gate = Promise.withResolvers<number>();
  let badFrom = Infinity;
  // The first four bad answers are given; the fifth waits.
  questioned.answer(
    `/${name}`,
    ({ length }) => length < badFrom ? 200 : length < badFrom + 4 ? 503 : gate.promise,
  );
  await ask(asking, { ...get(asking), failureThreshold: 5, timeoutSeconds: 600 });
  const transitions: boolean[] = [];
  await cluster.podWhen(name, isReady);
  const turned = cluster.podWhen(name, (pod) => {
    transitions.push(isReady(pod));
    return !isReady(pod);
  });
  badFrom = questioned.questions(`/${name}`).length + 1;
  await questioned.asked(`/${name}`, badFrom + 4);
  assert.ok(!transitions.includes(false), "four bad answers of five made it unready");
  gate.resolve(503);
  await turned;
}

async function succeeds(asking: Asking): Promise<void> {
  const { cluster, name, questioned } = asking;
  const gate = Promise.withResolvers<number>();
  questioned.answer(`/${name}`, ({ length }) => length < 3 ? 200 : gate.promise);
  await ask(asking, { ...get(asking), successThreshold: 3, timeoutSeconds: 600 });
  const seen: boolean[] = [];
  const ready = cluster.podWhen(name, (pod) => {
    seen.push(isReady(pod));
    return isReady(pod);
  });
  await questioned.asked(`/${name}`, 3);
  assert.ok(!seen.includes(true), "two good answers of three made it ready");
  gate.resolve(200);
  await ready;
}

async function succeedsOnce(asking: Asking): Promise<void> {
  await assert.rejects(
    ask(asking, { ...get(asking), successThreshold: 2 }),
    new RegExp(`${asking.kind}.successThreshold: Invalid value: 2: must be 1`),
  );
}

async function graceRefused(asking: Asking): Promise<void> {
  await assert.rejects(
    ask(asking, { ...get(asking), terminationGracePeriodSeconds: 5 }),
    /readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readiness/,
  );
}

/** The pod's own grace is longer than anyone waits. */
async function ownGrace(asking: Asking): Promise<void> {
  const { cluster, kind, name, questioned } = asking;
  const path = `${cluster.dataFolder}/${name}`;
  const heedless = Promise.withResolvers<number>();
  questioned.answer(`/${name}`, () => heedless.promise);
  const probe = { ...get(asking), timeoutSeconds: 600, periodSeconds: 1, failureThreshold: 1 };
  const container = { [kind]: { ...probe, terminationGracePeriodSeconds: 1 } };
  await cluster.apply(podOf(name, {
    script: `trap : TERM; echo heedless > ${path}; while :; do sleep 1; done`,
    container,
    spec: { restartPolicy: "Always", terminationGracePeriodSeconds: 600 },
  }));
  await cluster.fileWhen(path, (text) => text !== "");
  heedless.resolve(503);
  await cluster.podWhen(
    name,
    ({ status }) => status.containerStatuses?.[0]?.lastState.terminated?.exitCode === 137,
  );
}

async function portName(asking: Asking): Promise<void> {
  const { name, questioned: { port } } = asking;
  const httpGet = { host: "127.0.0.1", port: "web", path: `/${name}` };
  await ask(asking, { httpGet }, { ports: [{ name: "web", containerPort: port }] });
  await asking.questioned.asked(`/${name}`, 1);
}
