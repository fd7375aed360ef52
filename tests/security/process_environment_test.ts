import assert from "node:assert/strict";
import type { ContainerSpec } from "../../agent/runtimes/container_runtime.ts";
import { ProcessRuntime } from "../../agent/runtimes/process/process_runtime.ts";
import { SystemClock } from "../../core/lib/clock.ts";

const USER = 65534;
/** Programs that the runtime calls, or a shell might; a pod brings its own with these names. */
const PROGRAMS = ["sh", "mount", "setpriv", "setsid", "nsenter", "unshare", "env", "cat", "umask"];
const ignore = Deno.uid() !== 0;
const hint = ignore ? " (needs root)" : "";

Deno.test({
  name: `a pod's environment gets it no program that runs as root${hint}`,
  ignore,
  fn: () =>
    withRuntime(async ({ runtime, folder, specOf, logOf }) => {
      const evil = await evilPrograms(folder);
      const env = { LD_PRELOAD: "/not/there.so", PATH: `${evil}:/usr/bin:/bin`, ENV: `${evil}/sh` };
      const spec = specOf(["/usr/bin/id", "-u"], env);
      const id = await runtime.create(spec);
      await ended(runtime, id);
      const lines = (await logOf(spec)).trim().split("\n");
      assert.equal(lines.at(-1), String(USER));
      const preloads = lines.filter((line) => line.includes("/not/there.so"));
      assert.equal(preloads.length, 1, `more than the pod's own program:\n${lines.join("\n")}`);
      assert.equal(await Deno.readTextFile(`${folder}/ran`).catch(() => ""), "");
    }),
});

Deno.test({
  name: `who runs a command in a pod runs nothing of the pod's environment as root${hint}`,
  ignore,
  fn: () =>
    withRuntime(async ({ runtime, folder, specOf }) => {
      const evil = await evilPrograms(folder);
      const env = { LD_PRELOAD: "/not/there.so", PATH: `${evil}:/usr/bin:/bin`, SECRET: "it's $A" };
      const id = await runtime.create(specOf(["/usr/bin/sleep", "60"], env));
      await runtime.start(id);
      const { output } = await runtime.exec(id, ["/usr/bin/id", "-u"], 10_000);
      const lines = output.trim().split("\n");
      assert.equal(lines.filter((line) => line.includes("/not/there.so")).length, 1, output);
      assert.ok(lines.includes(String(USER)), output);
      assert.equal(await Deno.readTextFile(`${folder}/ran`).catch(() => ""), "");
      const seen = await runtime.exec(id, ["/usr/bin/printenv", "SECRET"], 10_000);
      assert.match(seen.output, /^it's \$A$/m);
      assert.equal(await commandLinesWith("it's $A"), 0, "secrets are on a command line");
    }),
});

Deno.test({
  name: `a pod that is root has no more capabilities than a container${hint}`,
  ignore,
  fn: () =>
    withRuntime(async ({ runtime, specOf, logOf }) => {
      const shown = async (security: ContainerSpec["security"]) => {
        const spec = { ...specOf(["grep", "CapEff", "/proc/self/status"], {}), security };
        await ended(runtime, await runtime.create(spec));
        return (await logOf(spec)).trim();
      };
      assert.equal(await shown({}), "CapEff:\t00000000000005fb");
      assert.equal(await shown({ capabilitiesDrop: ["ALL"] }), "CapEff:\t0000000000000000");
      const asked = { capabilitiesAdd: ["NET_RAW"], capabilitiesDrop: ["KILL"] };
      assert.equal(await shown(asked), "CapEff:\t00000000000025db");
    }),
});

interface World {
  runtime: ProcessRuntime;
  folder: string;
  /** A container with a user other than root, and a mount. */
  specOf(command: readonly string[], env: Record<string, string>): ContainerSpec;
  logOf(spec: ContainerSpec): Promise<string>;
}

async function withRuntime(act: (world: World) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "coracle-environment-" });
  await Deno.chmod(folder, 0o755);
  await Deno.mkdir(`${folder}/volume`);
  const options = { folder: `${folder}/process`, clock: new SystemClock(), version: "test" };
  const runtime = new ProcessRuntime(options);
  let count = 0;
  const specOf: World["specOf"] = (command, env) => ({
    podUid: `u${count++}`,
    podName: "web",
    podNamespace: "default",
    name: "main",
    restartCount: 0,
    image: "localhost/none:1",
    command,
    env,
    hostname: "web",
    podIP: "::1",
    mounts: [{ hostPath: `${folder}/volume`, containerPath: `${folder}/at`, readOnly: true }],
    logPath: `${folder}/${count}.log`,
    network: "host",
    limits: {},
    requests: {},
    security: { runAsUser: USER, runAsGroup: USER, allowPrivilegeEscalation: false },
    tty: false,
    stdin: false,
  });
  try {
    await act({ runtime, folder, specOf, logOf: (spec) => Deno.readTextFile(spec.logPath) });
  } finally {
    for (const { id } of await runtime.list()) await runtime.remove(id);
    await runtime.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Programs that leave a trace when they are run as root. */
async function evilPrograms(folder: string): Promise<string> {
  const evil = `${folder}/evil`;
  await Deno.mkdir(evil);
  await Deno.chmod(evil, 0o755);
  for (const name of PROGRAMS) {
    const script = `#!/bin/sh\n[ "$(/usr/bin/id -u)" = 0 ] && echo ${name} >> ${folder}/ran\n`;
    await Deno.writeTextFile(`${evil}/${name}`, script);
    await Deno.chmod(`${evil}/${name}`, 0o755);
  }
  return evil;
}

async function ended(runtime: ProcessRuntime, id: string): Promise<void> {
  const end = Promise.withResolvers<void>();
  const unsubscribe = runtime.onExit((other) => other === id && end.resolve());
  await runtime.start(id);
  await end.promise;
  unsubscribe();
}

/** How many processes of this machine have the text on their command line. */
async function commandLinesWith(text: string): Promise<number> {
  let count = 0;
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (line.includes(text)) count++;
  }
  return count;
}
