import assert from "node:assert/strict";
import { ConfigError } from "../../agent/runtimes/config_error.ts";
import { VOLUME_TYPES } from "../../agent/volumes/types/mod.ts";
import { Volumes } from "../../agent/volumes/volumes.ts";
import { FileTree } from "../../core/lib/linux/file_tree.ts";
import { cString, Libc } from "../../core/lib/linux/libc.ts";
import { mountPoints } from "../../core/lib/linux/mount_table.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";

/** Each reads the volume once. */
const TRIES = 100;
/** At least so many tries must have found the folder: otherwise the test has shown nothing. */
const FOUND_MIN = 10;

const missing = missingHere();
const hint = missing === undefined ? "" : ` (${missing})`;

Deno.test({
  name: `a pod that swaps a subPath for a link gets no file of the node${hint}`,
  ignore: missing !== undefined,
  fn: () =>
    withRace({ emptyDir: {} }, "subPath", async ({ world, mount, secret }) => {
      let met = 0;
      for (let i = 0; i < TRIES; i++) {
        const [mounted] = await mount().catch(refused);
        if (mounted === undefined) continue;
        met++;
        const found = await Deno.readTextFile(`${mounted.hostPath}/flag`);
        assert.equal(found, "of the pod", "the pod mounts a folder of the node");
      }
      assert.ok(met >= FOUND_MIN, `only ${met} of ${TRIES} tries met the folder`);
      assert.equal(await Deno.readTextFile(`${secret}/flag`), "of the node");
      await world.volumes.releaseMounts("u", "main");
    }),
});

Deno.test({
  name: `a pod that swaps what a hostPath leads to gets no file of the agent${hint}`,
  ignore: missing !== undefined,
  fn: () =>
    withRace({}, "hostPath", async ({ world, mount }) => {
      let met = 0;
      for (let i = 0; i < TRIES; i++) {
        const [mounted] = await mount().catch(refused);
        if (mounted === undefined) continue;
        met++;
        assert.equal(await Deno.readTextFile(`${mounted.hostPath}/flag`), "of the pod");
      }
      assert.ok(met >= FOUND_MIN, `only ${met} of ${TRIES} tries met the folder`);
      await world.volumes.releaseMounts("u", "main");
    }),
});

Deno.test({
  name:
    `a volume that is removed while its pod swaps folders for links takes nothing else along${hint}`,
  ignore: missing !== undefined,
  fn: () =>
    withRace({ emptyDir: {} }, "subPath", async ({ world, secret }) => {
      for (let i = 0; i < 20; i++) await world.volumes.remove("u").catch(() => {});
      assert.equal(await Deno.readTextFile(`${secret}/flag`), "of the node");
    }),
});

Deno.test({
  name:
    `a pod that puts folders into each other, 12,000 deep, does not end the server when it goes${hint}`,
  ignore: missing !== undefined,
  fn: async () => {
    const dataFolder = await Deno.makeTempDir({ prefix: "coracle-deep-", dir: "/dev/shm" }); // fast
    using volumes = new Volumes({
      nodeName: "n",
      types: VOLUME_TYPES,
      dataFolder,
      view: { get: () => undefined },
      clock: { now: () => 0 },
    });
    const volume = `${dataFolder}/pods/u/volumes/kubernetes.io~empty-dir/v`;
    await Deno.mkdir(volume, { recursive: true });
    nest(volume, 12_000);
    await volumes.remove("u"); // by recursion, the process would overflow its stack and abort
    await Deno.remove(`${dataFolder}/pods/u`);
    await Deno.remove(dataFolder, { recursive: true });
  },
});

interface Race {
  world: { volumes: Volumes };
  /** What the container would mount at present. */
  mount(): ReturnType<Volumes["mountsOf"]>;
  /** A folder that the pod must not see. */
  secret: string;
}

/** Keeps exchanging `x`, a folder, with `l`, a link to the secret, while `act` runs. */
async function withRace(
  source: object,
  kind: "subPath" | "hostPath",
  act: (race: Race) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "coracle-race-" }));
  const dataFolder = `${folder}/data`;
  // A hostPath must not show the agent's own data.
  const secret = kind === "hostPath" ? dataFolder : `${folder}/secret`;
  const place = kind === "hostPath"
    ? `${folder}/host`
    : `${dataFolder}/pods/u/volumes/kubernetes.io~empty-dir/v`;
  for (const path of [secret, `${place}/x`]) await Deno.mkdir(path, { recursive: true });
  await Deno.writeTextFile(`${secret}/flag`, "of the node");
  await Deno.writeTextFile(`${place}/x/flag`, "of the pod");
  await Deno.symlink(secret, `${place}/l`);
  const view = { get: () => undefined };
  using volumes = new Volumes({
    types: VOLUME_TYPES,
    nodeName: "n",
    dataFolder,
    view,
    clock: { now: () => 0 },
  });
  const pod = podOf(kind === "hostPath" ? { hostPath: { path: `${place}/x`, type: "" } } : source);
  const volumeMount = { name: "v", mountPath: "/m", ...(kind === "subPath" && { subPath: "x" }) };
  const container = { ...pod.spec.containers[0]!, volumeMounts: [volumeMount] } as never;
  const swapper = await swap(`${place}/x`, `${place}/l`);
  try {
    await act({ world: { volumes }, mount: () => volumes.mountsOf(pod, container, {}), secret });
  } finally {
    await swapper.stop();
    await volumes.unmount("u");
    const mounts = mountPoints(await Deno.readTextFile("/proc/self/mountinfo"));
    assert.deepEqual(mounts.filter((path) => path.startsWith(folder)), []);
    await Deno.remove(folder, { recursive: true });
  }
}

function podOf(source: object): Pod {
  return {
    metadata: { uid: "u", name: "race", namespace: "default" },
    spec: { containers: [{ name: "main" }], volumes: [{ name: "v", ...source }] },
  } as unknown as Pod; // only the fields that volumes read
}

/**
 * Starts the exchange in a thread of its own; resolves when it runs. The thread ends by itself: one that is terminated in
 * the middle of a call goes on for a while, and its memory is freed under it.
 */
async function swap(a: string, b: string): Promise<{ stop(): Promise<void> }> {
  const text = `
    const library = Deno.dlopen("libc.so.6", {
      renameat2: { parameters: ["i32", "buffer", "i32", "buffer", "u32"], result: "i32" },
      usleep: { parameters: ["u32"], result: "i32" },
    });
    const libc = library.symbols;
    let isStopping = false;
    self.onmessage = () => isStopping = true;
    const path = (text) => new TextEncoder().encode(text + "\\0");
    const [a, b] = [path(${JSON.stringify(a)}), path(${JSON.stringify(b)})];
    const round = () => {
      if (isStopping) {
        library.close();
        postMessage("ended");
        return self.close();
      }
      for (let i = 0; i < 20; i++) {
        libc.renameat2(-100, a, -100, b, 2); // RENAME_EXCHANGE
        libc.usleep(150);
      }
      setTimeout(round); // so that the thread hears when to stop
    };
    round();
    postMessage("goes on");`;
  const worker = new Worker(`data:application/javascript,${encodeURIComponent(text)}`, {
    type: "module",
  });
  const nextMessage = () => new Promise((resolve) => worker.onmessage = resolve);
  await nextMessage();
  const stop = async () => {
    const ended = nextMessage();
    worker.postMessage("stop");
    await ended;
  };
  return { stop };
}

/** Through descriptors: the path would be too long for the kernel. */
function nest(folder: string, depth: number): void {
  const libc = Libc.open()!;
  const { calls } = libc;
  const name = cString("a");
  let at = libc.must(calls.open(cString(folder), 0, 0), "open the folder");
  for (let i = 0; i < depth; i++) {
    libc.must(calls.mkdirat(at, name, 0o700), "make a folder");
    const next = libc.must(calls.openat(at, name, 0, 0), "open a folder");
    calls.close(at);
    at = next;
  }
  calls.close(at);
  libc.close();
}

/** Swallows the refusals that a swap may cause. */
function refused(error: unknown): [] {
  assert.ok(error instanceof ConfigError, String(error));
  assert.match(error.message, /^failed to prepare/);
  return [];
}

function missingHere(): string | undefined {
  using tree = FileTree.open();
  return tree === undefined ? "needs root on Linux with glibc" : undefined;
}
