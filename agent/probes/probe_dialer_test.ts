import assert from "node:assert/strict";
import type { Probe } from "../../core/resources/core/pods/spec/probes.ts";
import type { ContainerRuntime } from "../runtimes/container_runtime.ts";
import { dialProbe } from "./probe_dialer.ts";
import type { ProbeTarget } from "./probe_type.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { Slots } from "../../core/lib/slots.ts";

const never = new AbortController().signal;

const ANSWERS: [path: string, result: string, output: string][] = [
  ["/200", "success", ""],
  ["/204", "success", ""],
  ["/399", "warning", "Probe terminated redirects, Response body: "],
  ["/400", "failure", "HTTP probe failed with statuscode: 400"],
  ["/500", "failure", "HTTP probe failed with statuscode: 500"],
  ["/to/200", "success", ""],
  ["/to/500", "failure", "HTTP probe failed with statuscode: 500"],
  ["/away", "warning", "Probe terminated redirects, Response body: "],
];
for (const [path, result, output] of ANSWERS) {
  Deno.test(`an HTTP probe of ${path} is a ${result}`, async () => {
    await using server = new HttpServer();
    const outcome = await dialProbe(
      probe({ httpGet: get(server.port, { path }) }),
      target(),
      never,
    );
    assert.deepEqual(outcome, { result, output });
  });
}

Deno.test("an HTTP probe goes in circles only so often", async () => {
  await using server = new HttpServer();
  const { result, output } = await ask({ httpGet: get(server.port, { path: "/circle" }) });
  assert.equal(result, "failure");
  assert.match(output, /stopped after 10 redirects$/);
});

Deno.test("an HTTP probe sends the kubelet's headers, and those of the pod over them", async () => {
  await using server = new HttpServer();
  await ask({ httpGet: get(server.port) });
  assert.equal(server.headers.get("user-agent"), "kube-probe/1.34");
  assert.equal(server.headers.get("accept"), "*/*");
  assert.equal(server.headers.get("host"), `127.0.0.1:${server.port}`);
  const httpHeaders = [{ name: "Host", value: "shop" }, { name: "X-Probe", value: "yes" }];
  await ask({ httpGet: get(server.port, { httpHeaders }) });
  assert.equal(server.headers.get("host"), "shop");
  assert.equal(server.headers.get("x-probe"), "yes");
});

Deno.test("a port may be given by its name, and must be there", async () => {
  await using server = new HttpServer();
  const ports = [{ name: "web", containerPort: server.port, protocol: "TCP" as const }];
  const action = { ...get(0), port: "web" };
  assert.equal((await ask({ httpGet: action }, { ports })).result, "success");
  assert.deepEqual(await ask({ httpGet: action }), {
    result: "error",
    output: 'strconv.Atoi: parsing "web": invalid syntax',
  });
});

Deno.test("who does not answer in time has failed, over HTTP and by exec", async () => {
  await using server = new HttpServer();
  const httpGet = get(server.port, { path: "/hang" });
  assert.deepEqual(await ask({ httpGet, timeoutSeconds: 0.05 }), {
    result: "failure",
    output: `Get "http://127.0.0.1:${server.port}/hang": ` +
      "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
  });
  const runtime = execBy(() => Promise.reject(new DOMException("late", "TimeoutError")));
  assert.deepEqual(await ask({ exec: { command: ["sleep", "9"] } }, { runtime }), {
    result: "failure",
    output: 'command timed out: "sleep 9" timed out after 1s',
  });
});

Deno.test("a port that nobody listens on is refused, in Go's words", async () => {
  const port = freePort();
  assert.deepEqual(await ask({ httpGet: get(port) }), {
    result: "failure",
    output: `Get "http://127.0.0.1:${port}/": dial tcp 127.0.0.1:${port}: ` +
      "connect: connection refused",
  });
  assert.deepEqual(await ask({ tcpSocket: { port } }), {
    result: "failure",
    output: `dial tcp 127.0.0.1:${port}: connect: connection refused`,
  });
});

Deno.test("a TCP probe is content with a connection", async () => {
  await using server = new HttpServer();
  assert.deepEqual(await ask({ tcpSocket: { port: server.port } }), {
    result: "success",
    output: "",
  });
});

Deno.test("an exec probe is judged by the exit code", async () => {
  const say = (exitCode: number) => execBy(() => Promise.resolve({ exitCode, output: "said" }));
  const exec = { command: ["true"] };
  assert.equal((await ask({ exec }, { runtime: say(0) })).result, "success");
  assert.deepEqual(await ask({ exec }, { runtime: say(1) }), { result: "failure", output: "said" });
});

Deno.test("an exec probe knows the variables that the container's spec writes out", async () => {
  let asked: readonly string[] = [];
  const runtime = execBy((_id, command) => {
    asked = command;
    return Promise.resolve({ exitCode: 0, output: "" });
  });
  await ask({ exec: { command: ["test", "-e", "$(DIR)/$(X)"] } }, { runtime, env: { DIR: "/d" } });
  assert.deepEqual(asked, ["test", "-e", "/d/$(X)"]);
});

Deno.test("an exec that the runtime cannot do says nothing of the container", async () => {
  const runtime = execBy(() => Promise.reject(new Error("no runtime")));
  const outcome = await ask({ exec: { command: ["true"] } }, { runtime });
  assert.deepEqual(outcome, { result: "error", output: "no runtime" });
});

class HttpServer implements AsyncDisposable {
  headers = new Headers();
  readonly #hung = Promise.withResolvers<Response>();
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      this.headers = request.headers;
      const { pathname } = new URL(request.url);
      const to = (location: string) => new Response(null, { status: 302, headers: { location } });
      if (pathname === "/hang") return this.#hung.promise;
      if (pathname === "/away") return to("http://elsewhere.invalid/");
      if (pathname === "/circle") return to("/circle");
      if (pathname.startsWith("/to/")) return to(pathname.slice(3));
      return new Response(null, { status: Number(pathname.slice(1)) || 200 });
    },
  );

  get port(): number {
    return this.#server.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hung.resolve(new Response());
    await this.#server.shutdown();
  }
}

function ask(fields: Partial<Probe>, change: Partial<ProbeTarget> = {}) {
  return dialProbe(probe(fields), { ...target(), ...change }, never);
}

function probe(fields: Partial<Probe>): Probe {
  return {
    timeoutSeconds: 1,
    periodSeconds: 1,
    successThreshold: 1,
    failureThreshold: 1,
    ...fields,
  };
}

function get(port: number, fields: object = {}): NonNullable<Probe["httpGet"]> {
  return { path: "/", port, scheme: "HTTP", ...fields };
}

function target(): ProbeTarget {
  const runtime = execBy(() => Promise.reject(new Error("not used")));
  const clock = new SystemClock();
  const execSlots = new Slots(1);
  return { podIP: "127.0.0.1", containerId: "c", ports: [], runtime, execSlots, clock };
}

function execBy(exec: ContainerRuntime["exec"]): Pick<ContainerRuntime, "exec"> {
  return { exec };
}

/** A port that was free a moment ago. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
