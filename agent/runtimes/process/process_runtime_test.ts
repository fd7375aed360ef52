import assert from "node:assert/strict";
import { SystemClock } from "../../../core/lib/clock.ts";
import { Libc } from "../../../core/lib/linux/libc.ts";
import { addNamespace, removeNamespace } from "../../../core/lib/linux/network_namespace.ts";
import { type ContainerSpec, RuntimeError } from "../container_runtime.ts";
import { eventually } from "../../../tests/eventually.ts";
import { containerRuntimeContract } from "../container_runtime_contract.ts";
import { writeImage } from "./process_image.ts";
import { ProcessRuntime } from "./process_runtime.ts";

const clock = new SystemClock();
const isRoot = Deno.uid() === 0;
const rootHint = isRoot ? "" : " (needs root)";

Deno.test("the process runtime keeps the contract of a container runtime", (t) =>
  withFolder(async (folder) => {
    const image = "localhost/contract:1";
    await writeImage(`${folder}/images`, image, {
      Entrypoint: ["/bin/sh", "-c"],
      Cmd: ["echo from the image"],
    });
    const open = () => runtimeIn(folder);
    await containerRuntimeContract(t, { open, image, folder, isIsolated: false });
  }));

Deno.test("processes outlive an agent that is killed, and their end is known to the next", () =>
  withFolder(async (folder) => {
    const module = import.meta.resolve("./process_runtime.ts");
    const clockModule = import.meta.resolve("../../../core/lib/clock.ts");
    const script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    const spec = specIn(folder, ["sh", "-c", script]);
    const agent = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `import { ProcessRuntime } from "${module}"; import { SystemClock } from "${clockModule}";
         const options = { folder: "${folder}", clock: new SystemClock(), version: "test" };
         const runtime = new ProcessRuntime(options);
         await runtime.start(await runtime.create(${JSON.stringify(spec)}));
         Deno.kill(Deno.pid, "SIGKILL");`,
      ],
      stderr: "null",
    }).output();
    assert.equal(agent.signal, "SIGKILL");
    const runtime = runtimeIn(folder);
    try {
      const [state] = await runtime.list();
      assert.equal(state?.state, "running");
      await eventually(
        "it heeds signals",
        async () => (await Deno.readTextFile(spec.logPath)).includes("ready"),
      );
      await runtime.stop(state.id, 30_000);
      assert.equal((await runtime.inspect(state.id))?.exitCode, 7);
    } finally {
      await removeAll(runtime);
    }
  }));

Deno.test("a process that a stranger's number was given to is not signalled", () =>
  withFolder(async (folder) => {
    const runtime = runtimeIn(folder);
    const stranger = new Deno.Command("sleep", { args: ["60"] }).spawn();
    try {
      const id = await runtime.create(specIn(folder, ["true"]));
      const identity = `another-boot ${await Deno.readTextFile(`/proc/${stranger.pid}/stat`)}`;
      await Deno.writeTextFile(`${folder}/containers/${id}/identity`, identity);
      assert.equal((await runtime.inspect(id))?.state, "exited");
      assert.equal((await runtime.inspect(id))?.exitCode, 255);
      await runtime.stop(id, 0);
      Deno.kill(stranger.pid, 0 as unknown as Deno.Signal); // throws when it is gone
    } finally {
      stranger.kill("SIGKILL");
      await stranger.status;
      await removeAll(runtime);
    }
  }));

Deno.test("a process that has left its group keeps no end from being told, and a log goes on on a full disk", () =>
  withFolder(async (folder) => {
    const runtime = runtimeIn(folder);
    const started = performance.now();
    try {
      const leaves = ["sh", "-c", "setsid sleep 5 & echo left; exit 3"];
      const id = await finished(runtime, specIn(folder, leaves));
      assert.equal((await runtime.inspect(id))?.exitCode, 3);
      assert.ok(performance.now() - started < 4_500);
      assert.equal(await Deno.readTextFile(`${folder}/log`), "left\n");
      const full = { ...specIn(folder, ["sh", "-c", "seq 50000; exit 4"]), logPath: "/dev/full" };
      const other = await finished(runtime, { ...full, name: "full" });
      assert.equal((await runtime.inspect(other))?.exitCode, 4);
    } finally {
      await removeAll(runtime);
    }
  }));

Deno.test("without a command in pod and image there is nothing to run", () =>
  withFolder(async (folder) => {
    const runtime = runtimeIn(folder);
    try {
      await assert.rejects(
        runtime.create(specIn(folder, [])),
        new RuntimeError("CreateContainerError", "no command specified"),
      );
    } finally {
      await removeAll(runtime);
    }
  }));

Deno.test({
  name: `as root, mounts are private and may be read-only${rootHint}`,
  ignore: !isRoot,
  fn: () =>
    withFolder(async (folder) => {
      const runtime = runtimeIn(folder);
      const containerPath = `${folder}/point/here`;
      await Deno.mkdir(`${folder}/volume`);
      await Deno.writeTextFile(`${folder}/volume/file`, "seen\n");
      try {
        const id = await finished(runtime, {
          ...specIn(folder, ["sh", "-c", `cat ${containerPath}/file; echo x >${containerPath}/y`]),
          mounts: [{ hostPath: `${folder}/volume`, containerPath, readOnly: true }],
        });
        const log = await Deno.readTextFile(`${folder}/log`);
        assert.match(log, /^seen\n.*Read-only file system/);
        assert.deepEqual(await Array.fromAsync(Deno.readDir(containerPath)), []);
        await runtime.remove(id);
        await assert.rejects(Deno.stat(`${folder}/point`), Deno.errors.NotFound);
      } finally {
        await removeAll(runtime);
      }
    }),
});

Deno.test({
  name: `as root, who enters a container right after its start is inside it${rootHint}`,
  ignore: !isRoot,
  fn: () =>
    withFolder(async (folder) => {
      const runtime = runtimeIn(folder);
      await Deno.mkdir(`${folder}/volume`);
      await Deno.writeTextFile(`${folder}/volume/file`, "seen");
      const mounts = Array.from({ length: 50 }, (_, i) => ({
        hostPath: `${folder}/volume`,
        containerPath: `${folder}/point/${i}`,
        readOnly: true,
      }));
      try {
        const id = await runtime.create({ ...specIn(folder, ["sleep", "60"]), mounts });
        await runtime.start(id);
        const { output } = await runtime.exec(id, ["cat", `${folder}/point/49/file`], 10_000);
        assert.equal(output, "seen");
      } finally {
        await removeAll(runtime);
      }
    }),
});

Deno.test({
  name: `as root, processes run in their pod's network and as their user${rootHint}`,
  ignore: !isRoot || Libc.open() === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const libc = Libc.open()!;
      const namespacePath = `${folder}/network`;
      const runtime = runtimeIn(folder);
      addNamespace(libc, namespacePath);
      try {
        const id = await runtime.create({
          ...specIn(folder, ["sleep", "60"]),
          network: { namespacePath },
          security: { runAsUser: 1000, runAsGroup: 2000 },
        });
        await runtime.start(id);
        const command = ["sh", "-c", "id -u; id -g; grep -c : /proc/net/dev"];
        assert.equal((await runtime.exec(id, command, 10_000)).output, "1000\n2000\n1\n");
      } finally {
        await removeAll(runtime);
        removeNamespace(libc, namespacePath);
        libc.close();
      }
    }),
});

async function withFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await act(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function runtimeIn(folder: string): ProcessRuntime {
  return new ProcessRuntime({ folder, clock, version: "test" });
}

async function removeAll(runtime: ProcessRuntime): Promise<void> {
  for (const { id } of await runtime.list()) await runtime.remove(id);
  await runtime.close();
}

async function finished(runtime: ProcessRuntime, spec: ContainerSpec): Promise<string> {
  const id = await runtime.create(spec);
  const end = Promise.withResolvers<void>();
  runtime.onExit((other) => other === id && end.resolve());
  await runtime.start(id);
  await end.promise;
  return id;
}

function specIn(folder: string, command: readonly string[]): ContainerSpec {
  return {
    podUid: "uid-1",
    podName: "web",
    podNamespace: "default",
    name: "main",
    restartCount: 0,
    image: "localhost/none:1",
    command,
    env: {},
    mounts: [],
    hostname: "web",
    logPath: `${folder}/log`,
    network: "host",
    podIP: "127.0.0.1",
    limits: {},
    requests: {},
    security: {},
    tty: false,
    stdin: false,
  };
}
