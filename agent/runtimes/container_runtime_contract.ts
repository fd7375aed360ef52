import assert from "node:assert/strict";
import type { ContainerSession } from "../../core/client/container_session.ts";
import { type ContainerRuntime, type ContainerSpec, RuntimeError } from "./container_runtime.ts";

/** A runtime on a machine of its own, made for one run of the contract. */
export interface ContractWorld {
  /** A new object on the same containers, as after a restart of the agent. */
  open(): ContainerRuntime | Promise<ContainerRuntime>;
  /** An image with `/bin/sh` whose process prints by default `from the image`. */
  image: string;
  /** A folder for logs and volumes. */
  folder: string;
  /** Whether limits and read-only mounts hold, and a foreign file system is seen. */
  isIsolated: boolean;
}

type Behaviour = (runtime: ContainerRuntime, world: ContractWorld) => Promise<void>;

/**
 * Runs each behaviour that every {@linkcode ContainerRuntime} has to show as a step of one test, so that the
 * world is built once. What a step leaves running is removed before the next.
 */
export async function containerRuntimeContract(
  t: Deno.TestContext,
  world: ContractWorld,
): Promise<void> {
  for (const [name, behave] of Object.entries(BEHAVIOURS)) {
    await t.step(name, async () => {
      const runtime = await world.open();
      try {
        await behave(runtime, world);
      } finally {
        for (const { id } of await runtime.list()) await runtime.remove(id);
        await runtime.close();
      }
    });
  }
}

const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  "a container goes from created to running to exited with its code": async (runtime, world) => {
    const id = await runtime.create(spec(world, { script: "exit 42" }));
    assert.equal((await runtime.inspect(id))?.state, "created");
    await ended(runtime, id, () => runtime.start(id));
    const state = (await runtime.inspect(id))!;
    assert.equal(state.state, "exited");
    assert.equal(state.exitCode, 42);
    assert.ok(state.finishedAtMs! >= state.startedAtMs!, "it finished before it started");
  },

  "what was asked for twice is done once": async (runtime, world) => {
    const wanted = spec(world, { script: "sleep 60" });
    const id = await runtime.create(wanted);
    assert.equal(await runtime.create(wanted), id);
    await runtime.start(id);
    await runtime.start(id);
    await runtime.stop(id, 0);
    await runtime.stop(id, 0);
    await runtime.remove(id);
    await runtime.remove(id);
    assert.equal(await runtime.inspect(id), undefined);
  },

  "a container knows its pod, its name and its restart": async (runtime, world) => {
    const id = await runtime.create({
      ...spec(world, { script: "sleep 60" }),
      podUid: "uid-7",
      podName: "web-7",
      podNamespace: "shop",
      restartCount: 3,
    });
    const { podUid, podName, podNamespace, name, restartCount, image, imageId } =
      (await runtime.list()).find((each) => each.id === id)!;
    assert.deepEqual(
      { podUid, podName, podNamespace, name, restartCount, image },
      {
        podUid: "uid-7",
        podName: "web-7",
        podNamespace: "shop",
        name: "main",
        restartCount: 3,
        image: world.image,
      },
    );
    assert.ok(imageId.length > 0);
  },

  "containers go on while the agent is away, and are adopted by the next": async (
    runtime,
    world,
  ) => {
    const stays = await started(runtime, spec(world, { script: "sleep 60" }));
    const ends = await started(runtime, spec(world, { name: "ends", script: "sleep 0.3; exit 9" }));
    const { startedAtMs } = (await runtime.inspect(stays))!;
    await runtime.close();

    const next = await world.open();
    try {
      await ended(next, ends);
      await next.collectGarbage();
      const states = new Map((await next.list()).map((each) => [each.id, each]));
      assert.equal(states.get(stays)?.state, "running");
      assert.equal(states.get(stays)?.startedAtMs, startedAtMs);
      assert.equal(states.get(ends)?.exitCode, 9);
      assert.equal((await next.exec(stays, ["sh", "-c", "echo here"], 5000)).output, "here\n");
    } finally {
      for (const { id } of await next.list()) await next.remove(id);
      await next.close();
    }
  },

  "a container that heeds SIGTERM ends within its grace": async (runtime, world) => {
    const script = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    const wanted = spec(world, { script });
    const id = await started(runtime, wanted);
    await written(runtime, wanted.logPath, "ready");
    await runtime.stop(id, 30_000);
    assert.equal((await runtime.inspect(id))?.exitCode, 5);
  },

  "a container that does not heed SIGTERM is killed after its grace": async (runtime, world) => {
    const wanted = spec(world, {
      script: "trap '' TERM; echo ready; while :; do sleep 0.05; done",
    });
    const id = await started(runtime, wanted);
    await written(runtime, wanted.logPath, "ready");
    await runtime.stop(id, 1000);
    assert.equal((await runtime.inspect(id))?.exitCode, 137);
  },

  "commands run in a container that was told to end, until it has": async (runtime, world) => {
    const wanted = spec(world, {
      script: "trap 'echo told' TERM; echo ready; while :; do sleep 0.05; done",
    });
    const id = await started(runtime, wanted);
    await written(runtime, wanted.logPath, "ready");
    await ended(runtime, id, async () => {
      const stop = runtime.stop(id, 30_000);
      await written(runtime, wanted.logPath, "told");
      assert.equal((await runtime.exec(id, ["sh", "-c", "echo here"], 5000)).output, "here\n");
      await runtime.stop(id, 0);
      await stop;
    });
  },

  "the exit of a killed container is reported": async (runtime, world) => {
    const id = await started(runtime, spec(world, { script: "sleep 60" }));
    await ended(runtime, id, () => runtime.stop(id, 0));
    assert.equal((await runtime.inspect(id))?.exitCode, 137);
  },

  "all exits are reported, each with its code": async (runtime, world) => {
    const codes = [11, 12, 13, 14];
    const ids = await Promise.all(codes.map((code) =>
      started(
        runtime,
        spec(world, { name: `c${code}`, script: `exit ${code}` }),
        { waitsForEnd: true },
      )
    ));
    const states = await Promise.all(ids.map((id) => runtime.inspect(id)));
    assert.deepEqual(states.map((state) => state?.exitCode), codes);
  },

  "both streams are logged, and the log stays after the removal": async (runtime, world) => {
    const wanted = spec(world, { script: "echo out; echo err >&2" });
    const id = await started(runtime, wanted, { waitsForEnd: true });
    await runtime.remove(id);
    const lines = await logLines(runtime, wanted.logPath);
    assert.deepEqual(lines.toSorted(), ["err", "out"]);
  },

  "environment, folder and mounts are what the spec says": async (runtime, world) => {
    const volume = `${world.folder}/volume`;
    const containerPath = `${world.folder}/seen/here`;
    await Deno.mkdir(volume, { recursive: true });
    await Deno.writeTextFile(`${volume}/greeting`, "hello");
    const wanted: ContainerSpec = {
      ...spec(world, { script: `cat ${containerPath}/greeting; echo " $WHO"; pwd` }),
      env: { WHO: "it's me" },
      workingDir: "/tmp",
      mounts: [{ hostPath: volume, containerPath, readOnly: false }],
    };
    const id = await started(runtime, wanted, { waitsForEnd: true });
    await runtime.remove(id);
    assert.deepEqual(await logLines(runtime, wanted.logPath), ["hello it's me", "/tmp"]);
    assert.equal(await Deno.readTextFile(`${volume}/greeting`), "hello");
  },

  "the image's own command runs when the pod names none": async (runtime, world) => {
    const { command: _, ...wanted } = spec(world, { script: "" });
    await started(runtime, wanted, { waitsForEnd: true });
    assert.deepEqual(await logLines(runtime, wanted.logPath), ["from the image"]);
  },

  "a command that does not exist cannot be started": async (runtime, world) => {
    const id = await runtime.create({ ...spec(world, { script: "" }), command: ["no-such-thing"] });
    await rejectsWith("RunContainerError", /no-such-thing.*not found/, () => runtime.start(id));
  },

  "exec runs beside the container and says how it ended": async (runtime, world) => {
    const id = await started(runtime, { ...spec(world, { script: "sleep 60" }), env: { A: "b" } });
    const result = await runtime.exec(id, ["sh", "-c", "echo $A; echo bad >&2; exit 3"], 10_000);
    assert.equal(result.exitCode, 3);
    assert.deepEqual(result.output.trim().split("\n").toSorted(), ["b", "bad"]);
    assert.equal((await runtime.exec(id, ["no-such-thing"], 10_000)).exitCode, 127);
  },

  "what exec writes is cut off at 10 KB": async (runtime, world) => {
    const id = await started(runtime, spec(world, { script: "sleep 60" }));
    const { output } = await runtime.exec(id, ["sh", "-c", "yes | head -c 50000"], 10_000);
    assert.equal(output.length, 10_240);
  },

  "an exec that takes too long is given up and killed": async (runtime, world) => {
    const id = await started(runtime, spec(world, { script: "sleep 60" }));
    const mark = `${world.folder}/exec-pid`;
    const wait = world.isIsolated ? "sleep 77" : `echo $$ >${mark}; sleep 77`;
    await assert.rejects(runtime.exec(id, ["sh", "-c", wait], 500), { name: "TimeoutError" });
    if (!world.isIsolated) {
      const pid = (await Deno.readTextFile(mark)).trim();
      const { State } = await processStatus(pid);
      assert.ok(State === undefined || State.startsWith("Z"), `process ${pid} is ${State}`);
    }
    assert.equal((await runtime.inspect(id))?.state, "running");
  },

  "a session has the streams of its command, to the end of each": async (runtime, world) => {
    const id = await started(runtime, { ...spec(world, { script: "sleep 60" }), env: { A: "b" } });
    const script = "echo $A; echo bad >&2; wc -c; exit 7";
    const session = await runtime.openExec(id, ["sh", "-c", script], STREAMS);
    const sent = new Uint8Array(3_000_000);
    const sending = session.input.write(sent).then(() => session.input.end());
    const output = await textsOf(session);
    await sending;
    assert.deepEqual([output.stdout.trim().split(/\s+/), output.stderr], [
      ["b", String(sent.length)],
      "bad\n",
    ]);
    assert.equal(await session.exitCode(), 7);
  },

  "a session without a reader waits, and takes no memory": async (runtime, world) => {
    const id = await started(runtime, spec(world, { script: "sleep 60" }));
    const mark = `${world.folder}/written`;
    const script = `head -c 20000000 /dev/zero; echo done >${world.isIsolated ? "/tmp/w" : mark}`;
    const session = await runtime.openExec(id, ["sh", "-c", script], STREAMS);
    const look = [
      "sh",
      "-c",
      `sleep 0.3; cat ${world.isIsolated ? "/tmp/w" : mark} 2>/dev/null || true`,
    ];
    assert.equal((await runtime.exec(id, look, 10_000)).output, "");
    assert.equal((await textsOf(session)).stdout.length, 20_000_000);
    assert.equal(await session.exitCode(), 0);
  },

  "who reads slowly is told how the command has ended, too": async (runtime, world) => {
    const id = await started(runtime, spec(world, { script: "sleep 60" }));
    const script = "head -c 30000 /dev/zero; exit 7";
    const session = await runtime.openExec(id, ["sh", "-c", script], STREAMS);
    let bytes = 0;
    for await (const piece of session.output) {
      if (bytes === 0) await runtime.exec(id, ["sleep", "6"], 20_000); // the command has ended long before
      bytes += piece.bytes.length;
    }
    assert.deepEqual([bytes, await session.exitCode()], [30_000, 7]);
  },

  "a command whose session is let go of goes on, and its output ends": async (runtime, world) => {
    const id = await started(runtime, spec(world, { script: "sleep 60" }));
    const mark = world.isIsolated ? "/tmp/mark" : `${world.folder}/mark`;
    const script = `echo a; sleep 0.3; yes | head -c 200000; echo done >${mark}`;
    const session = await runtime.openExec(id, ["sh", "-c", script], STREAMS);
    for await (const _ of session.output) session.close();
    const wait =
      `i=0; while [ ! -s ${mark} ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done; cat ${mark}`;
    assert.equal((await runtime.exec(id, ["sh", "-c", wait], 30_000)).output, "done\n");
  },

  "a terminal has the size that it was given last": async (runtime, world) => {
    const id = await started(runtime, spec(world, { script: "sleep 60" }));
    const size = "(busybox stty size || stty size) 2>/dev/null";
    const script = `read x; echo $x; while ! ${size} | grep -q "33 111"; do sleep 0.05; done; tty`;
    const wanted = { ...STREAMS, stderr: false, tty: true };
    const session = await runtime.openExec(id, ["sh", "-c", script], wanted);
    await session.resize({ columns: 111, rows: 33 });
    await session.input.write(new TextEncoder().encode("go\n"));
    const { stdout } = await textsOf(session);
    assert.match(stdout, /^go\r\ngo\r\n\/dev\/(pts|console)/);
  },

  "an image name that is none is refused": async (runtime) => {
    await rejectsWith(
      "InvalidImageName",
      /couldn't parse image name "Not An Image"/,
      () => runtime.findImage("Not An Image"),
    );
  },
};

const STREAMS = { stdin: true, stdout: true, stderr: true, tty: false };

async function textsOf(session: ContainerSession): Promise<{ stdout: string; stderr: string }> {
  const texts = { stdout: "", stderr: "" };
  const decoder = new TextDecoder("latin1");
  for await (const { stream, bytes } of session.output) texts[stream] += decoder.decode(bytes);
  return texts;
}

let specs = 0;

function spec(
  { image, folder }: ContractWorld,
  { name = "main", script }: { name?: string; script: string },
): ContainerSpec {
  const podUid = `uid-${++specs}`;
  return {
    podUid,
    podName: "web",
    podNamespace: "default",
    name,
    restartCount: 0,
    image,
    command: ["sh", "-c", script],
    env: {},
    mounts: [],
    hostname: "web",
    logPath: `${folder}/${podUid}-${name}.log`,
    network: "host",
    podIP: "127.0.0.1",
    limits: {},
    requests: {},
    security: {},
    tty: false,
    stdin: false,
  };
}

async function started(
  runtime: ContainerRuntime,
  wanted: ContainerSpec,
  { waitsForEnd = false } = {},
): Promise<string> {
  const id = await runtime.create(wanted);
  if (waitsForEnd) await ended(runtime, id, () => runtime.start(id));
  else await runtime.start(id);
  return id;
}

/** Acts, and waits until the runtime reports the container's exit; without an act it may have ended before. */
async function ended(
  runtime: ContainerRuntime,
  id: string,
  act?: () => Promise<void>,
): Promise<void> {
  const told = Promise.withResolvers<void>();
  const unsubscribe = runtime.onExit((other) => other === id && told.resolve());
  try {
    if (act === undefined && (await runtime.inspect(id))?.state === "exited") return;
    await act?.();
    await told.promise;
  } finally {
    unsubscribe();
  }
}

/** Waits until a log holds a text: watched, not polled. */
async function written(runtime: ContainerRuntime, path: string, text: string): Promise<void> {
  const folder = path.slice(0, path.lastIndexOf("/"));
  using watcher = Deno.watchFs(folder, { recursive: false });
  const isThere = async () =>
    (await logLines(runtime, path).catch((): string[] => [])).includes(text);
  if (await isThere()) return;
  for await (const _ of watcher) if (await isThere()) return;
}

async function logLines(runtime: ContainerRuntime, path: string): Promise<string[]> {
  const text = await Deno.readTextFile(path);
  return linesOf(runtime.logFormat === "raw" ? text : linesOf(text).map(criText).join(""));
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** The text of an entry `TIME STREAM F|P TEXT`; `P` is followed by the rest of its line. */
function criText(entry: string): string {
  const [, , tag, ...words] = entry.split(" ");
  return words.join(" ") + (tag === "P" ? "" : "\n");
}

async function processStatus(pid: string): Promise<Record<string, string>> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return Object.fromEntries(text.split("\n").map((line) => line.split(":\t") as [string, string]));
}

async function rejectsWith(
  reason: RuntimeError["reason"],
  message: RegExp,
  act: () => Promise<unknown>,
): Promise<void> {
  await assert.rejects(act, (error) => {
    assert.ok(error instanceof RuntimeError, String(error));
    assert.equal(error.reason, reason);
    assert.match(error.message, message);
    return true;
  });
}
