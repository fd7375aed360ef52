import assert from "node:assert/strict";
import { prepareLogs, readLogEnd } from "../../agent/logs/log_files.ts";
import { readLog } from "../../agent/logs/log_reader.ts";
import { LOG_LIMITS } from "../../agent/runtimes/log_limits.ts";
import { PodFolder } from "../../agent/folders/pod_folder.ts";
import { ProcessRuntime } from "../../agent/runtimes/process/process_runtime.ts";
import type { ContainerSpec } from "../../agent/runtimes/container_runtime.ts";
import { SystemClock } from "../../core/lib/clock.ts";
import { later, within } from "../eventually.ts";

const MIB = 1024 * 1024;
const LIMITS = { bytesMax: MIB, filesMax: 3 };
/** Only failures take this long: reading a few mebibytes takes a tenth of it. */
const READ_MS_MAX = 5_000;
const clock = new SystemClock();
const { signal } = new AbortController();

Deno.test("a pod that floods its log does not fill the disk, and the end of its log is kept", () =>
  withRuntime(async (pod) => {
    await pod.run('head -c 60000000 /dev/zero | tr "\\0" x; echo; echo the end');
    assert.ok(pod.mostBytes <= LIMITS.bytesMax * LIMITS.filesMax, `${pod.mostBytes} bytes`);
    assert.ok(pod.mostBytes > LIMITS.bytesMax);
    assert.equal(await pod.read({ tailLines: 1 }), "the end\n");
  }));

Deno.test("a client that follows a log over its rotations gets each line once, in order", () =>
  withRuntime(async (pod) => {
    const lines = 300_000; // 2 MiB
    const ended = new AbortController();
    const text = pod.read({ follow: true }, ended.signal);
    await pod.run(
      `i=0; while [ $i -lt ${lines} ]; do seq -f "line %.0f" $i $((i+4999));` +
        ` i=$((i+5000)); sleep 0.01; done`,
    );
    ended.abort();
    const got = (await text).split("\n").slice(0, -1);
    assert.equal(got.length, lines);
    assert.ok(got.every((line, i) => line === `line ${i}`));
  }));

Deno.test("a request for the last lines of a log without newlines reads a few mebibytes, not all of it", () =>
  withLog(async (path) => {
    for (const format of ["raw", "cri"] as const) {
      const text = within("ten lines", READ_MS_MAX, () => textOf(path, format, { tailLines: 10 }));
      assert.ok((await text).length <= 10 * MIB + 100_000);
    }
  }));

Deno.test("a pod that fails with such a log has its termination message read as fast, and truncated", () =>
  withLog(async (path) => {
    const message = await within("its words", READ_MS_MAX, () => readLogEnd(path, "raw"));
    assert.ok(message.length <= 2_048 + 1, `${message.length}`);
    assert.equal(await within("no words", READ_MS_MAX, () => readLogEnd(path, "cri")), "");
  }));

Deno.test("reading a log ends when its client leaves, however much is left", () =>
  withLog(async (path) => {
    const left = new AbortController();
    const reading = textOf(path, "raw", { tailLines: 1_000_000 }, left.signal);
    left.abort();
    assert.equal(await within("the end", READ_MS_MAX, () => reading), "");
  }));

Deno.test("of a container that keeps crashing, the logs of two runs are kept", async () => {
  const dataFolder = await Deno.makeTempDir();
  try {
    const folder = new PodFolder(dataFolder, "uid");
    for (let run = 0; run < 6; run++) {
      await prepareLogs(folder, "main", run);
      const path = folder.logFile("main", run);
      for (const name of [path, ...[1, 2, 3, 4].map((number) => `${path}.${number}`)]) {
        await Deno.writeTextFile(name, "x");
      }
    }
    const names = (await Array.fromAsync(Deno.readDir(folder.logFolder("main")))).map(({ name }) =>
      name
    );
    const current = ["5.log", "5.log.1", "5.log.2", "5.log.3", "5.log.4"];
    assert.deepEqual(names.sort(), ["4.log", "4.log.4", ...current]);
    assert.equal(current.length, LOG_LIMITS.filesMax);
  } finally {
    await Deno.remove(dataFolder, { recursive: true });
  }
});

type Options = Partial<Parameters<typeof readLog>[0]["options"]>;

/** A sparse file of a gibibyte of zeros. */
async function withLog(body: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/0.log`, new Uint8Array());
    await Deno.truncate(`${folder}/0.log`, 1024 * MIB);
    await body(`${folder}/0.log`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A container as a process, with the size of its log. */
class FloodingPod {
  mostBytes = 0;

  constructor(readonly runtime: ProcessRuntime, readonly logFolder: string) {}

  /** Resolves when the script has ended. */
  async run(script: string): Promise<void> {
    const spec: ContainerSpec = {
      podUid: "uid",
      podName: "flood",
      podNamespace: "default",
      name: "main",
      restartCount: 0,
      image: "flood",
      command: ["sh", "-c", script],
      env: {},
      mounts: [],
      hostname: "flood",
      logPath: this.#path,
      network: "host",
      podIP: "127.0.0.1",
      limits: {},
      requests: {},
      security: {},
      tty: false,
      stdin: false,
    };
    const id = await this.runtime.create(spec);
    const ended = new AbortController();
    const stop = this.runtime.onExit((other) => other === id && ended.abort());
    await this.runtime.start(id);
    for (; !ended.signal.aborted; await later(5)) await this.#measure();
    stop();
    await this.#measure();
    await this.runtime.remove(id);
  }

  async read(options: Options, ended = signal): Promise<string> {
    return await textOf(this.#path, "raw", options, signal, ended);
  }

  get #path(): string {
    return `${this.logFolder}/0.log`;
  }

  async #measure(): Promise<void> {
    let bytes = 0;
    for await (const { name } of Deno.readDir(this.logFolder)) {
      bytes += await Deno.stat(`${this.logFolder}/${name}`).then(({ size }) => size, () => 0);
    }
    this.mostBytes = Math.max(this.mostBytes, bytes);
  }
}

async function withRuntime(body: (pod: FloodingPod) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/logs`);
  const options = { folder: `${folder}/process`, clock, version: "test", logLimits: LIMITS };
  const runtime = new ProcessRuntime(options);
  try {
    await body(new FloodingPod(runtime, `${folder}/logs`));
  } finally {
    await runtime.close();
    await Deno.remove(folder, { recursive: true });
  }
}

async function textOf(
  path: string,
  format: "cri" | "raw",
  options: Options,
  left = signal,
  ended = signal,
): Promise<string> {
  const asked = {
    follow: false,
    timestamps: false,
    tailLines: undefined,
    sinceMs: undefined,
    limitBytes: undefined,
    ...options,
  };
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of readLog({ path, format, options: asked, ended, signal: left, clock })) {
    text += decoder.decode(bytes, { stream: true });
  }
  return text;
}
