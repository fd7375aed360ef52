import assert from "node:assert/strict";
import { cgroupFilesOf, cpuNanosIn, memoryUsageIn } from "./cgroup_files.ts";

const ID = "0123abcd";

Deno.test("the files of a container are found in cgroups of version 1, 2, and a mix of them", () => {
  const v1 = `5:memory:/libpod_parent/libpod-${ID}\n3:cpu,cpuacct:/libpod_parent/libpod-${ID}\n` +
    `2:pids:/libpod_parent/libpod-${ID}\n0::/\n`;
  const folder = (controller: string) => `/sys/fs/cgroup/${controller}/libpod_parent/libpod-${ID}`;
  assert.deepEqual(cgroupFilesOf(v1, ID), {
    cpu: `${folder("cpuacct")}/cpuacct.usage`,
    memoryFolder: folder("memory"),
    pids: `${folder("pids")}/pids.current`,
    version: 1,
    cpuVersion: 1,
  });
  const unified = `/sys/fs/cgroup/machine.slice/libpod-${ID}.scope/container`;
  assert.deepEqual(cgroupFilesOf(`0::/machine.slice/libpod-${ID}.scope/container\n`, ID), {
    cpu: `${unified}/cpu.stat`,
    memoryFolder: unified,
    pids: `${unified}/pids.current`,
    version: 2,
    cpuVersion: 2,
  });
  const mixed = cgroupFilesOf(`4:memory:/p/${ID}\n0::/p/${ID}\n`, ID)!;
  assert.deepEqual([mixed.version, mixed.cpuVersion], [1, 2]);
  assert.equal(mixed.cpu, `/sys/fs/cgroup/p/${ID}/cpu.stat`);
});

Deno.test("the cgroup of another is not taken for that of a container", () => {
  for (
    const text of ["", "0::/\n", "0::/user.slice\n", "4:memory:/libpod-other\n0::/x\n", "junk"]
  ) {
    assert.equal(cgroupFilesOf(text, ID), undefined, text);
  }
});

Deno.test("memory is counted as cAdvisor counts it: idle files are not in the working set", () => {
  const v1 = memoryUsageIn({
    version: 1,
    used: "1000\n",
    limit: "9223372036854771712\n",
    stat:
      "inactive_file 1\ntotal_rss 7\ntotal_inactive_file 300\ntotal_pgfault 5\ntotal_pgmajfault 2\n",
  });
  assert.deepEqual(v1, {
    usedBytes: 1000,
    workingSetBytes: 700,
    rssBytes: 7,
    pageFaults: 5,
    majorPageFaults: 2,
  });
  const v2 = { version: 2, used: "1000", stat: "anon 4\ninactive_file 2000\npgfault 1\n" } as const;
  const { workingSetBytes, availableBytes, rssBytes } = memoryUsageIn({ ...v2, limit: "5000\n" });
  assert.deepEqual([workingSetBytes, availableBytes, rssBytes], [0, 5000, 4]);
  assert.equal(memoryUsageIn({ ...v2, limit: "max\n" }).availableBytes, undefined);
});

Deno.test("processor time is in nanoseconds, whatever the version", () => {
  assert.equal(cpuNanosIn("123456789\n", 1), 123456789);
  assert.equal(cpuNanosIn("usage_usec 5\nuser_usec 3\n", 2), 5000);
  assert.equal(cpuNanosIn("", 2), 0);
});
