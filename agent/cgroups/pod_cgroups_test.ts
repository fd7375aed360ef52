import assert from "node:assert/strict";
import { silentLog } from "../../core/lib/log.ts";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { CgroupFolders } from "./pod_cgroups.ts";

const missing = Deno.build.os !== "linux" || Deno.uid() !== 0 ? " (needs root on Linux)" : "";
const isV2 = await Deno.stat("/sys/fs/cgroup/cgroup.controllers").then(() => true, () => false);

function onKernel(
  name: string,
  run: (name: string, open: () => Promise<CgroupFolders>) => Promise<void>,
) {
  Deno.test({
    name: name + missing,
    ignore: missing !== "",
    async fn() {
      const log = silentLog(new VirtualClock());
      const own = `coratest${Deno.pid}`;
      const opened: CgroupFolders[] = [];
      try {
        await run(own, async () => {
          const cgroups = await CgroupFolders.open({ name: own, log, podPidsMax: 50 });
          assert.ok(cgroups);
          opened.push(cgroups);
          return cgroups;
        });
      } finally {
        await opened.at(-1)?.close();
      }
      assert.deepEqual(await existing(own), []);
    },
  });
}

onKernel(
  "a pod has a cgroup in its tier, with its limits, and the tier the share of its pods",
  async (own, open) => {
    const cgroups = await open();
    const half = { cpu: "500m", memory: "64Mi" };
    const burstable = podOf("b", { requests: half });
    await Promise.all([
      cgroups.prepare(podOf("e", {})),
      cgroups.prepare(burstable),
      cgroups.prepare(podOf("g", { requests: half, limits: half })),
    ]);
    assert.equal(cgroups.parentOf(podOf("e", {})), `/${own}/besteffort/pode`);
    assert.equal(cgroups.parentOf(burstable), `/${own}/burstable/podb`);
    assert.equal(cgroups.parentOf(podOf("g", { requests: half, limits: half })), `/${own}/podg`);
    assert.deepEqual(await sharesOf(own, "burstable", "burstable/podb", "besteffort", "podg"), [
      ...[512, 512, 2, 512],
    ]);
    assert.equal(await read("pids", `${own}/podg/pids.max`), "50");
    await cgroups.prepare(podOf("b", { requests: { cpu: "1" } }));
    await cgroups.prepare(podOf("b2", { requests: { cpu: "1" } }));
    assert.deepEqual(await sharesOf(own, "burstable"), [2048]);
    await cgroups.remove("b");
    assert.deepEqual(await sharesOf(own, "burstable"), [1024]);
    assert.ok(!(await existing(own)).some((path) => path.endsWith("/podb")));
  },
);

onKernel(
  "what still runs in a cgroup keeps it, and it goes when that has ended",
  async (own, open) => {
    const cgroups = await open();
    const pod = podOf("r", {});
    await cgroups.prepare(pod);
    const process = new Deno.Command("sleep", { args: ["60"] }).spawn();
    const folder = isV2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
    await Deno.writeTextFile(`${folder}${cgroups.parentOf(pod)}/cgroup.procs`, String(process.pid));
    await cgroups.remove("r");
    const left = async () => (await existing(own)).filter((path) => path.endsWith("/podr"));
    assert.equal((await left()).length, 1);
    const again = await open(); // as after a restart: it takes nothing away that is used
    assert.equal((await left()).length, 1);
    process.kill("SIGKILL");
    await process.status;
    await cgroups.collectGarbage();
    assert.deepEqual(await left(), []);
    await again.prepare(pod);
  },
);

Deno.test("where no cgroups can be made pods go without", async () => {
  const root = await Deno.makeTempDir();
  const log = silentLog(new VirtualClock());
  assert.equal(await CgroupFolders.open({ name: "cora", log, root }), undefined);
  await Deno.remove(root, { recursive: true });
});

function podOf(uid: string, resources: object): Pod {
  const containers = [{ name: "main", image: "a", resources }];
  return { metadata: { uid }, spec: { containers }, status: {} } as unknown as Pod;
}

async function read(controller: string, path: string): Promise<string> {
  const folder = isV2 ? "/sys/fs/cgroup" : `/sys/fs/cgroup/${controller}`;
  return (await Deno.readTextFile(`${folder}/${path}`)).trim();
}

async function sharesOf(own: string, ...paths: string[]): Promise<number[]> {
  if (!isV2) {
    return await Promise.all(
      paths.map(async (path) => Number(await read("cpu", `${own}/${path}/cpu.shares`))),
    );
  }
  const weights = await Promise.all(paths.map((path) => read("cpu", `${own}/${path}/cpu.weight`)));
  return weights.map((weight) => Math.round((Number(weight) - 1) * 262_142 / 9_999 + 2));
}

/** All cgroups below ours, in all hierarchies. */
async function existing(own: string): Promise<string[]> {
  const roots = isV2
    ? ["/sys/fs/cgroup"]
    : (await Array.fromAsync(Deno.readDir("/sys/fs/cgroup"))).map(({ name }) =>
      `/sys/fs/cgroup/${name}`
    );
  const found: string[] = [];
  for (const root of roots) await walk(`${root}/${own}`, found);
  return found;
}

async function walk(path: string, found: string[]): Promise<void> {
  try {
    for await (const { name, isDirectory } of Deno.readDir(path)) {
      if (isDirectory) await walk(`${path}/${name}`, found);
    }
    found.push(path);
  } catch {
    // none here
  }
}
