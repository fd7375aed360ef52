import assert from "node:assert/strict";
import { SystemClock } from "../../../core/lib/clock.ts";
import { Libc } from "../../../core/lib/linux/libc.ts";
import { addNamespace, removeNamespace } from "../../../core/lib/linux/network_namespace.ts";
import { identityOf, isRunning, signal } from "../../../core/lib/linux/process_identity.ts";
import { processesNaming } from "../../../core/lib/linux/process_table.ts";
import { programPath } from "../../../core/lib/linux/program.ts";
import { silentLog } from "../../../core/lib/log.ts";
import type { ContainerSpec } from "../container_runtime.ts";
import { readLog } from "../../logs/log_reader.ts";
import { LOG_LIMITS } from "../log_limits.ts";
import { containerRuntimeContract } from "../container_runtime_contract.ts";
import { importBusybox } from "./busybox_image.ts";
import { PodmanRuntime } from "./podman_runtime.ts";
import type { Podman } from "./podman.ts";
import { findPodman, startPodmanService } from "./podman_service.ts";
import { monitors } from "./runtime_leftovers.ts";
import { TestRegistry } from "./test_registry.ts";

const IMAGE = "localhost/contract:1";
const clock = new SystemClock();
const log = silentLog(clock);
const isPossible = Deno.uid() === 0 &&
  ["podman", "busybox", "conmon"].every((name) => programPath(name) !== undefined);
const ignore = !isPossible;
const hint = isPossible ? "" : " (needs root and: apt-get install podman runc busybox-static)";

Deno.test({
  name: `the Podman runtime keeps the contract of a container runtime${hint}`,
  ignore,
  fn: (t) =>
    withPodman((podman, folder) =>
      containerRuntimeContract(t, {
        open: () => runtimeOf(podman),
        image: IMAGE,
        folder,
        isIsolated: true,
      })
    ),
});

Deno.test({
  name: `Podman enforces what the pod asks for${hint}`,
  ignore,
  fn: (t) =>
    withPodman(async (podman, folder) => {
      const runtime = runtimeOf(podman);
      const read = (spec: Partial<ContainerSpec>) =>
        outputOf(runtime, { ...base(folder), ...spec });

      await t.step("memory and CPU are limited", async () => {
        const script = "cat /sys/fs/cgroup/memory.max || cd /sys/fs/cgroup && " +
          "cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us cpu/cpu.shares";
        const lines = await read({
          command: ["sh", "-c", `{ ${script}; } 2>/dev/null`],
          limits: { memoryBytes: 64 << 20, cpuMillis: 500 },
          requests: { cpuMillis: 250 },
        });
        assert.deepEqual(lines.slice(0, 3), [String(64 << 20), "50000", "256"]);
      });

      await t.step(
        "a container that takes too much memory is killed, and it is said why",
        async () => {
          const id = await finished(runtime, {
            ...base(folder),
            command: ["sh", "-c", "dd if=/dev/zero of=/dev/null bs=100M"],
            limits: { memoryBytes: 16 << 20 },
          });
          const state = await runtime.inspect(id);
          assert.equal(state?.oomKilled, true);
          assert.equal(state?.exitCode, 137);
        },
      );

      await t.step("an end is told whole, although Podman still cleans up", async () => {
        const waste = "sleep 1; dd if=/dev/zero of=/dev/null bs=100M";
        const whole = await Promise.all(["sleep 1; exit 3", waste].map(async (script) => {
          const id = await finished(runtime, {
            ...base(folder),
            command: ["sh", "-c", script],
            limits: { memoryBytes: 16 << 20 },
          });
          const seen = await runtime.inspect(id);
          await clock.sleep(500); // by now Podman knows it too, and is asked
          const listed = (await runtime.list()).find((container) => container.id === id);
          return [seen, listed].map((state) => ({ ...state, finishedAtMs: 0 }));
        }));
        for (const [seen, listed] of whole) assert.deepEqual(seen, listed);
        assert.deepEqual(whole.map(([seen]) => [seen?.exitCode, seen?.oomKilled]), [
          [3, undefined],
          [137, true],
        ]);
      });

      await t.step("user, capabilities and a root that cannot be written", async () => {
        const lines = await read({
          command: [
            "sh",
            "-c",
            "id -u; id -g; grep -E 'NoNewPrivs' /proc/self/status; touch /x; :",
          ],
          security: {
            runAsUser: 1000,
            runAsGroup: 2000,
            readOnlyRootFilesystem: true,
            allowPrivilegeEscalation: false,
            capabilitiesDrop: ["ALL"],
          },
        });
        assert.deepEqual(lines.slice(0, 3), ["1000", "2000", "NoNewPrivs:\t1"]);
        assert.match(lines[3]!, /Read-only file system/);
      });

      await t.step("a log stays within its bound, and who follows it misses nothing", async () => {
        const bytesMax = 1024 * 1024;
        const bounded = runtimeOf(podman, { bytesMax, filesMax: 3 });
        const bound = `${folder}/bounded`;
        const spec = { ...base(folder), logPath: `${bound}/0.log` };
        await Promise.all([bound, `${folder}/go`].map((path) => Deno.mkdir(path)));
        const ended = new AbortController();
        let mostBytes = 0;
        // It writes on when what it wrote has been read: 5,000 lines take a quarter of the bound.
        const lines = followed(spec.logPath, ended.signal, async (count) => {
          mostBytes = Math.max(mostBytes, await bytesIn(bound));
          if (count % 5_000 === 0) await Deno.writeTextFile(`${folder}/go/${count}`, "");
        });
        const script = "for i in 1 2 3 4 5 6 7 8 9 10; do n=$((i * 5000)); seq $((n - 4999)) $n; " +
          "while [ ! -e /go/$n ]; do sleep 0.01; done; done";
        const mounts = [{ hostPath: `${folder}/go`, containerPath: "/go", readOnly: true }];
        await finished(bounded, { ...spec, mounts, command: ["sh", "-c", script] });
        ended.abort();
        assert.deepEqual(await lines, Array.from({ length: 50_000 }, (_, i) => String(i + 1)));
        assert.ok(mostBytes > 0 && mostBytes <= bytesMax, `${mostBytes} bytes`);
      });

      await t.step("a read-only mount cannot be written", async () => {
        const lines = await read({
          command: ["sh", "-c", "touch /data/x; :"],
          mounts: [{ hostPath: folder, containerPath: "/data", readOnly: true }],
        });
        assert.match(lines[0]!, /Read-only file system/);
      });
    }),
});

Deno.test({
  name: `images are pulled, or it is said why not${hint}`,
  ignore,
  fn: () =>
    withPodman(async (podman) => {
      await using registry = await TestRegistry.start();
      const runtime = runtimeOf(podman);
      const image = `${registry.host}/web:1`;
      assert.equal(await runtime.findImage(image), undefined);
      const pulled = await runtime.pullImage(image);
      assert.match(pulled.reference, new RegExp(`^${registry.host}/web@sha256:[0-9a-f]{64}$`));
      assert.ok(pulled.sizeBytes > 0);
      assert.deepEqual(await runtime.findImage(image), pulled);
      assert.deepEqual(await runtime.pullImage(image), pulled);
      await assert.rejects(runtime.pullImage(`${registry.host}/web:2`), {
        reason: "ErrImagePull",
        message: /failed to pull image ".*\/web:2": .*manifest unknown/,
      });
      await runtime.close();
    }),
});

Deno.test({
  name: `a registry that asks for a login gets the one it is given, and no other${hint}`,
  ignore,
  fn: () =>
    withPodman(async (podman) => {
      const login = { username: "ada", password: "päss:word" };
      await using registry = await TestRegistry.start({ login });
      const runtime = runtimeOf(podman);
      const image = `${registry.host}/web:1`;
      const refused = { reason: "ErrImagePull", message: /unauthorized/ };
      await assert.rejects(runtime.pullImage(image), refused);
      await assert.rejects(runtime.pullImage(image, { ...login, password: "other" }), refused);
      const { reference } = await runtime.pullImage(image, login);
      assert.equal((await runtime.findImage(image))?.reference, reference);
      await runtime.close();
    }),
});

Deno.test({
  name: `images are listed and removed, but not those that a container is made of${hint}`,
  ignore,
  fn: () =>
    withPodman(async (podman, folder) => {
      await using registry = await TestRegistry.start();
      const runtime = runtimeOf(podman);
      const image = `${registry.host}/web:1`;
      const { reference, sizeBytes } = await runtime.pullImage(image);
      const id = await runtime.create(base(folder));
      const state = await runtime.inspect(id);
      const listed = await runtime.listImages();
      const idle = listed.find(({ names }) => names.includes(image))!;
      assert.deepEqual(idle, { ...idle, reference, sizeBytes, isUsed: false });
      assert.deepEqual(idle.names, [reference, image]);
      const used = listed.find(({ names }) => names.includes(IMAGE))!;
      assert.equal(used.isUsed, true);
      assert.equal(state?.imageId, used.reference);
      await runtime.removeImage(idle.id);
      await runtime.removeImage(idle.id);
      await assert.rejects(runtime.removeImage(used.id), /in use by a container/);
      assert.deepEqual((await runtime.listImages()).map((each) => each.id), [used.id]);
      await runtime.remove(id);
      await runtime.close();
    }),
});

Deno.test({
  name: `containers outlive a killed service, and what it left half made is removed${hint}`,
  ignore,
  fn: () =>
    withPodman(async (podman, folder) => {
      const runtime = runtimeOf(podman);
      const create = () => runtime.create({ ...base(folder), command: ["sleep", "60"] });
      const runs = await create();
      await runtime.start(runs);
      const halfMade = await Promise.all(Array.from({ length: 4 }, create));
      const starts = halfMade.map((id) => runtime.start(id));
      const { pid } = JSON.parse(await Deno.readTextFile(`${folder}/run/service.json`));
      await clock.sleep(30); // in the middle of the starts
      assert.ok(signal(pid, "SIGKILL"));
      const started = (await Promise.allSettled(starts)).map(({ status }) => status);
      assert.ok(started.includes("rejected"), "the service was killed too late");

      await runtime.collectGarbage();
      const states = new Map((await runtime.list()).map((each) => [each.id, each.state]));
      assert.equal(states.get(runs), "running");
      assert.deepEqual(new Set(states.values()), new Set(["running"]));
      const ids = [...states.keys()].toSorted();
      const monitored = async () =>
        (await monitors(podman.own!)).map(({ containerId }) => containerId);
      let left = await monitored();
      for (let round = 0; round < 100 && left.length > ids.length; round++) {
        await clock.sleep(50); // the monitors of what was removed end by themselves
        left = await monitored();
      }
      assert.deepEqual(left.toSorted(), ids);
      await runtime.close();
    }),
});

Deno.test({
  name: `a container whose monitor is killed ends with it, whatever runs in it${hint}`,
  ignore,
  fn: () =>
    withPodman(async (podman, folder) => {
      const runtime = runtimeOf(podman);
      const ended: string[] = [];
      const both = Promise.withResolvers<void>();
      runtime.onExit((id) => ended.push(id) === 2 && both.resolve());
      const start = async () => {
        const id = await runtime.create({ ...base(folder), command: ["sleep", "60"] });
        await runtime.start(id);
        return id;
      };
      const [alone, gone] = [await start(), await start()];
      await runtime.list();
      const pidOf = async (id: string) => (await runtime.inspect(id))!.pid!;
      const survivor = identityOf(await pidOf(alone))!;
      const dead = await pidOf(gone);
      for (const { pid } of await monitors(podman.own!)) signal(pid, "SIGKILL");
      signal(dead, "SIGKILL");
      await runtime.list();
      await both.promise;
      assert.deepEqual(ended.toSorted(), [alone, gone].toSorted());
      const states = await runtime.list();
      assert.deepEqual(states.map(({ state, exitCode }) => [state, exitCode]), [
        ["exited", 137],
        ["exited", 137],
      ]);
      assert.ok(!isRunning(survivor), "what is left of a container is killed");
      for (const { id } of states) await runtime.remove(id);
      assert.deepEqual(await runtime.list(), []);
      await runtime.close();
    }),
});

Deno.test({
  name: `a service that is ended is not started again by who still asks${hint}`,
  ignore,
  fn: () =>
    withPodman(async (podman, folder) => {
      const { pid } = JSON.parse(await Deno.readTextFile(`${folder}/run/service.json`));
      assert.ok(signal(pid, "SIGKILL"));
      const asked = podman.revive();
      await podman.own!.destroy();
      await asked;
      await assert.rejects(podman.revive(), /Cannot start Podman again: it was stopped/);
      assert.deepEqual(await processesNaming([folder]), []);
    }),
});

Deno.test({
  name: `a stop is one also when Podman finds no exit file${hint}`,
  ignore,
  fn: () =>
    withPodman(async (podman, folder) => {
      const runtime = runtimeOf(podman);
      const id = await runtime.create({ ...base(folder), command: ["sleep", "600"] });
      await runtime.start(id);
      const { exitsFolder } = podman.own!;
      // As when its own clean-up of that end has taken the file away already.
      await Deno.rename(exitsFolder, `${exitsFolder}.away`);
      await runtime.stop(id, 0);
      assert.equal((await runtime.inspect(id))?.state, "exited");
      await Deno.rename(`${exitsFolder}.away`, exitsFolder);
      await runtime.remove(id);
      assert.deepEqual(await runtime.list(), []);
      await runtime.close();
    }),
});

Deno.test({
  name: `a container joins the network of its pod and knows its own name${hint}`,
  ignore: ignore || Libc.open() === undefined,
  fn: () =>
    withPodman(async (podman, folder) => {
      const libc = Libc.open()!;
      const namespacePath = `${folder}/network`;
      addNamespace(libc, namespacePath);
      try {
        const lines = await outputOf(runtimeOf(podman), {
          ...base(folder),
          command: ["sh", "-c", "grep -c : /proc/net/dev; hostname; grep web-1 /etc/hosts"],
          hostname: "web-1",
          podIP: "10.42.0.7",
          network: { namespacePath },
        });
        assert.deepEqual(lines, ["1", "web-1", "10.42.0.7\tweb-1"]);
      } finally {
        removeNamespace(libc, namespacePath);
        libc.close();
      }
    }),
});

Deno.test({
  name:
    `containers of a pod share processes and memory, and trust their first process no further${hint}`,
  ignore,
  fn: (t) =>
    withPodman(async (podman, folder) => {
      const runtime = runtimeOf(podman);
      const pod = { ...base(folder), sharesProcesses: true as const };
      const run = (name: string, script: string, more: Partial<ContainerSpec> = {}) => ({
        ...{ ...pod, name, logPath: `${folder}/${name}.log`, command: ["sh", "-c", script] },
        ...more,
      });
      const script = "echo hello > /dev/shm/word; exec sleep 4321";
      const ids = await Promise.all([1, 2].map((i) => runtime.create(run(`app-${i}`, script))));
      await Promise.all(ids.map((id) => runtime.start(id)));

      await t.step("they see each other, below a process that is none of theirs", async () => {
        const look = "cat /proc/1/comm /dev/shm/word; ps | grep -c 'sleep [4]321'";
        assert.deepEqual(await outputOf(runtime, run("look", look)), ["pause", "hello", "2"]);
        const [own] = await outputOf(runtime, { ...run("own", look), sharesProcesses: undefined! });
        assert.equal(own, "sh");
        const { output } = await runtime.exec(ids[0]!, ["cat", "/proc/1/comm"], 10_000);
        assert.equal(output, "pause\n");
      });

      await t.step("who may trace finds nothing of the node, and cannot kill it", async () => {
        const attack = "kill -9 1; cat /proc/1/comm; grep CapBnd /proc/1/status; " +
          "ls /proc/1/root/; ls /proc/1/net/dev_snmp6; touch /proc/1/root/x 2>/dev/null || echo kept";
        const [comm, rights, ...seen] = await outputOf(
          runtime,
          run("tracer", attack, { security: { capabilitiesAdd: ["SYS_PTRACE"] } }),
        );
        assert.deepEqual([comm, rights], ["pause", "CapBnd:\t0000000000000000"]);
        const root = ["dev", "etc", "pause", "proc", "run", "sys"];
        assert.deepEqual(seen, [...root, "lo", "kept"]);
      });

      await t.step("orphans do not stay as zombies, nor longer than their container", async () => {
        const leave =
          "(sleep 0.1 &); (sleep 4322 &); sleep 0.5; cat /proc/[0-9]*/stat | grep -c ') Z '; true";
        assert.deepEqual(await outputOf(runtime, run("parent", leave)), ["0"]);
        const count = "for i in 1 2 3 4 5 6 7 8 9 10; do " +
          "ps | grep -q 'sleep [4]322' && sleep 0.3; done; ps | grep -c 'sleep [4]322'; true";
        assert.deepEqual(await outputOf(runtime, run("after", count)), ["0"]);
      });

      await t.step(
        "an agent that is started again finds it; once it has ended, all have",
        async () => {
          const next = runtimeOf(podman);
          const sandbox = async () => await sandboxOf(podman, pod.podUid);
          const { Pid } = (await sandbox()).State;
          assert.deepEqual(await outputOf(next, run("next", "cat /dev/shm/word")), ["hello"]);
          assert.equal((await sandbox()).State.Pid, Pid);
          const ends = Promise.withResolvers<void>();
          const ended = new Set<string>();
          next.onExit((id) =>
            ids.includes(ended.add(id) && id) && ended.size >= 2 && ends.resolve()
          );
          assert.ok(signal(Pid, "SIGKILL"));
          await ends.promise;
          for (const id of ids) assert.equal((await next.inspect(id))?.exitCode, 137);
          const look = "cat /proc/1/comm; ls /dev/shm; ps | grep -c 'sleep [4]321'; true";
          assert.deepEqual(await outputOf(next, run("anew", look)), ["pause", "0"]);
          assert.notEqual((await sandbox()).State.Pid, Pid);
          await next.close();
        },
      );

      await t.step("a volume in the place of the shared memory stays", async () => {
        const mounts = [{ hostPath: folder, containerPath: "/dev/shm", readOnly: true }];
        const lines = await outputOf(runtime, run("volume", "ls /dev/shm", { mounts }));
        assert.ok(lines.includes("volume.log"), lines.join());
      });

      await t.step("it goes with the pod, and no other pod's does", async () => {
        const other = base(folder);
        await finished(runtime, { ...other, sharesProcesses: true, command: ["true"] });
        await runtime.releasePod("without");
        await runtimeOf(podman).releasePod(pod.podUid); // another agent's may have made it
        await assert.rejects(sandboxOf(podman, pod.podUid), /no such container/);
        assert.equal((await sandboxOf(podman, other.podUid)).State.Status, "running");
        await runtime.releasePod(other.podUid);
        await assert.rejects(sandboxOf(podman, other.podUid), /no such container/);
      });
      await runtime.close();
    }),
});

Deno.test({
  name: `ends are told at somebody else's Podman too${hint}`,
  ignore,
  fn: () =>
    withPodman(async ({ client, version, revive, stop }, folder) => {
      const runtime = runtimeOf({ client, version, revive, stop });
      for (const command of [["true"], ["sleep", "0.2"], ["sleep", "0.2"]]) {
        const id = await finished(runtime, { ...base(folder), command });
        assert.equal((await runtime.inspect(id))?.state, "exited");
      }
      await runtime.close();
    }),
});

Deno.test("a socket at which nobody answers is no Podman", async () => {
  assert.equal(await findPodman({ socketPath: "/nowhere/podman.sock", clock }), undefined);
});

/** Runs with a service of its own on a folder of its own, and removes all of it, also after a failure. */
async function withPodman(act: (podman: Podman, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "coracle-podman-" });
  try {
    const podman = await startPodmanService({
      folder: `${folder}/podman`,
      runFolder: `${folder}/run`,
      clock,
      log,
    });
    try {
      await importBusybox(podman.client, IMAGE, ['CMD ["sh","-c","echo from the image"]']);
      await act(podman, folder);
    } finally {
      await podman.own!.destroy();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function runtimeOf(podman: Podman, logLimits = LOG_LIMITS): PodmanRuntime {
  const sandboxFolder = `${podman.client.socketPath}.sandbox`;
  return new PodmanRuntime({ podman, owner: "test", sandboxFolder, clock, log, logLimits });
}

async function sandboxOf({ client }: Podman, podUid: string) {
  type Inspection = { State: { Pid: number; Status: string } };
  return await client.json<Inspection>("GET", `/containers/k8s_POD_${podUid}/json`);
}

/** The lines that a follower of a log gets until the container has ended; `look` is told how many there are so far. */
async function followed(
  path: string,
  ended: AbortSignal,
  look: (count: number) => Promise<void>,
): Promise<string[]> {
  const { signal } = new AbortController();
  const options = {
    follow: true,
    timestamps: false,
    tailLines: undefined,
    sinceMs: undefined,
    limitBytes: undefined,
  };
  const source = { path, format: "cri", options, ended, signal, clock } as const;
  const decoder = new TextDecoder();
  const lines = [""];
  for await (const chunk of readLog(source)) {
    const [rest, ...others] = decoder.decode(chunk, { stream: true }).split("\n");
    lines.push(lines.pop()! + rest, ...others);
    await look(lines.length - 1);
  }
  return lines.slice(0, -1);
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for await (const { name } of Deno.readDir(folder)) {
    bytes += await Deno.stat(`${folder}/${name}`).then(({ size }) => size, () => 0);
  }
  return bytes;
}

let specs = 0;

function base(folder: string): ContainerSpec {
  const podUid = `uid-${++specs}`;
  return {
    podUid,
    podName: "web",
    podNamespace: "default",
    name: "main",
    restartCount: 0,
    image: IMAGE,
    env: {},
    mounts: [],
    hostname: "web",
    podIP: "127.0.0.1",
    logPath: `${folder}/${podUid}.log`,
    network: "host",
    limits: {},
    requests: {},
    security: {},
    tty: false,
    stdin: false,
  };
}

async function finished(runtime: PodmanRuntime, spec: ContainerSpec): Promise<string> {
  const id = await runtime.create(spec);
  const end = Promise.withResolvers<void>();
  const unsubscribe = runtime.onExit((other) => other === id && end.resolve());
  await runtime.start(id);
  await end.promise;
  unsubscribe();
  return id;
}

async function outputOf(runtime: PodmanRuntime, spec: ContainerSpec): Promise<string[]> {
  await finished(runtime, spec);
  const text = await Deno.readTextFile(spec.logPath);
  return text.split("\n").filter(Boolean).map((line) => line.split(" ").slice(3).join(" "));
}
