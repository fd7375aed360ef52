import assert from "node:assert/strict";
import { EchoSession } from "../../core/client/echo_session.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import type { LifecycleHandler } from "../../core/resources/core/pods/spec/probes.ts";
import { HookError, type HookTarget, runHook } from "./hook.ts";

const FAILED = 'for Container "main" in Pod "web_default(u)" failed - error:';

Deno.test("a hook that is a command is as good as its exit code", async () => {
  assert.equal(await run({ exec: { command: ["true"] } }, targetOf(0, "")), undefined);
  assert.equal(
    await run({ exec: { command: ["sh", "-c", "exit 3"] } }, targetOf(3, "no\n")),
    `Exec lifecycle hook ([sh -c exit 3]) ${FAILED} command 'sh -c exit 3' exited with 3: , message: "no\\n"`,
  );
  const broken = {
    ...targetOf(0, ""),
    runtime: { openExec: () => Promise.reject(new Error("no runtime")) },
  };
  assert.equal(
    await run({ exec: { command: ["true"] } }, broken),
    `Exec lifecycle hook ([true]) ${FAILED} no runtime, message: ""`,
  );
});

Deno.test("a hook by HTTP is content with any answer, and follows where it leads", async () => {
  const asked: string[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      const { pathname } = new URL(request.url);
      asked.push(`${pathname} ${request.headers.get("user-agent")}`);
      const headers = { location: "/there" };
      return new Response(null, pathname === "/here" ? { status: 302, headers } : { status: 500 });
    },
  );
  const { port } = server.addr;
  const httpGet = { path: "/here", port: "web", scheme: "HTTP" as const };
  const ports = [{ name: "web", containerPort: port, protocol: "TCP" as const }];
  assert.equal(await run({ httpGet }, { ...targetOf(0, ""), ports }), undefined);
  assert.deepEqual(asked, ["/here kube-lifecycle/1.34", "/there kube-lifecycle/1.34"]);
  assert.match(
    await run({ httpGet }, targetOf(0, "")) ?? "",
    /^HTTP lifecycle hook \(\/here\) .* strconv\.Atoi: parsing "web": invalid syntax$/,
  );
});

Deno.test("a hook may be a pause, which an end cuts short, and nothing else", async () => {
  const clock = new VirtualClock();
  const target = { ...targetOf(0, ""), clock };
  let isOver = false;
  const end = new AbortController();
  const going = run({ sleep: { seconds: 5 } }, target, end.signal).then((
    said,
  ) => (isOver = true, said));
  await clock.advance(4_999);
  assert.equal(isOver, false);
  await clock.advance(1);
  assert.equal(await going, undefined);
  const cut = run({ sleep: { seconds: 5 } }, target, end.signal);
  end.abort();
  assert.equal(
    await cut,
    `Sleep lifecycle hook (5) ${FAILED} container terminated before sleep hook finished`,
  );
  const action = { tcpSocket: { port: 80 } };
  assert.match(await run(action, targetOf(0, "")) ?? "", /^Cannot run handler: invalid handler/);
});

/** The message of the hook's failure; `undefined`: it has none. */
async function run(
  hook: LifecycleHandler,
  target: HookTarget,
  signal = new AbortController().signal,
): Promise<string | undefined> {
  try {
    await runHook(hook, target, signal);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof HookError);
    return error.message;
  }
}

function targetOf(exitCode: number, output: string): HookTarget {
  return {
    ...{ container: "main", podText: "web_default(u)", podIP: "127.0.0.1", containerId: "c" },
    ports: [],
    clock: new SystemClock(),
    runtime: {
      openExec: (_id, _command, wanted) =>
        Promise.resolve(new EchoSession({ exitCode, output }, wanted)),
    },
  };
}
