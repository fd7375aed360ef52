import { later } from "./eventually.ts";
import { runProgram } from "./kubectl.ts";

/** What a server might leave behind on this machine, one line each. */
export type Inventory = ReadonlySet<string>;

/** Identifies what belongs to one server: parts of names, ids of containers. */
export type Marks = readonly string[];

/** What a server still had in use may need this long to go, on a busy machine; only a failure takes this long. */
const SETTLE_MS = 30_000;
const LOOK_EVERY_MS = 250;

/** Network namespaces, devices, routes, rules, mounts, processes and files that exist now. */
export async function inventory(marks: Marks): Promise<Inventory> {
  const parts = await Promise.all([
    entries("namespace", "/run/netns"),
    entries("file", "/run", (name) => name.startsWith("coracle-")),
    entries("container", "/run/runc"),
    entries("container", "/run/crun"),
    cgroups(),
    printed("device", "ip", ["-o", "link"], /^\d+: ([^:@]+)/),
    printed("route", "ip", ["route", "show", "table", "all"], /^(\S+ \S+ \S+ \S+)/),
    printed("rule", "ip", ["rule"], /:\s+(.*)/),
    printed("nftables", "nft", ["list", "tables"], /^(.*)$/),
    mounts(),
    processes(marks),
  ]);
  return new Set(parts.flat());
}

/**
 * What belongs to the server by its marks, exists and did not exist before, after some seconds for it to go. What has no
 * mark may belong to anybody: other servers may run on the machine.
 */
export async function leftoversSince(before: Inventory, marks: Marks): Promise<string[]> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const now = await inventory(marks);
    const left = [...now].filter((thing) =>
      !before.has(thing) && marks.some((mark) => thing.includes(mark))
    );
    if (left.length === 0 || performance.now() > deadline) return left;
    await later(LOOK_EVERY_MS);
  }
}

async function entries(
  what: string,
  folder: string,
  isMeant: (name: string) => boolean = () => true,
): Promise<string[]> {
  try {
    const found = await Array.fromAsync(Deno.readDir(folder));
    return found.filter(({ name }) => isMeant(name)).map(({ name }) => `${what} ${folder}/${name}`);
  } catch {
    return []; // no such folder
  }
}

/** The cgroups of containers, in each hierarchy of the machine. */
async function cgroups(): Promise<string[]> {
  const roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"];
  const folders = roots.flatMap((root) => [`${root}/libpod_parent`, `${root}/machine.slice`]);
  const isOfContainer = (name: string) => name.startsWith("libpod-");
  const isOfServer = (name: string) => name.startsWith("cora");
  return (await Promise.all([
    ...folders.map((folder) => entries("cgroup", folder, isOfContainer)),
    ...roots.map((root) => entries("cgroup", root, isOfServer)),
  ])).flat();
}

async function printed(
  what: string,
  program: string,
  args: readonly string[],
  line: RegExp,
): Promise<string[]> {
  const { stdout } = await runProgram(program, args);
  return stdout.split("\n").flatMap((text) => {
    const match = line.exec(text);
    return match ? [`${what} ${match[1]}`] : [];
  });
}

async function mounts(): Promise<string[]> {
  const text = await Deno.readTextFile("/proc/self/mountinfo");
  return text.trim().split("\n").map((line) => `mount ${line.split(" ")[4]}`);
}

/** Processes whose command line has a mark, or whose root folder does, as those of containers. */
async function processes(marks: Marks): Promise<string[]> {
  const found: string[] = [];
  for await (const { name: pid } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(pid) || Number(pid) === Deno.pid) continue;
    const command = (await textOf(`/proc/${pid}/cmdline`)).replaceAll("\0", " ");
    const root = (await textOf(`/proc/${pid}/mountinfo`)).split("\n")
      .find((line) => line.split(" ")[4] === "/") ?? "";
    const mark = marks.find((each) => command.includes(each) || root.includes(each));
    if (mark !== undefined) found.push(`process ${pid} ${command} (${mark})`);
  }
  return found;
}

async function textOf(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return ""; // it has exited
  }
}
