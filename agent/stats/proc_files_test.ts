import assert from "node:assert/strict";
import { memoryUsageOf, networkUsageOf, processorsOf, tasksOf } from "./proc_files.ts";

Deno.test("the memory of a machine is what the kubelet takes it for", () => {
  const meminfo =
    "MemTotal:    1000 kB\nMemFree:  100 kB\nInactive(file):  300 kB\nAnonPages: 50 kB\n" +
    "Inactive:        999 kB\n";
  assert.deepEqual(memoryUsageOf(meminfo, "pgfault 7\npgmajfault 3\n"), {
    totalBytes: 1000 * 1024,
    usedBytes: 900 * 1024,
    workingSetBytes: 600 * 1024,
    availableBytes: 400 * 1024,
    rssBytes: 50 * 1024,
    pageFaults: 7,
    majorPageFaults: 3,
  });
});

Deno.test("idle processors do nothing, and guests are counted once", () => {
  const stat = "cpu  1 2 4 1000 2000 8 16 32 64 128\ncpu0 9 9 9 9\nbtime 1700000000\n";
  assert.deepEqual(processorsOf(stat), { totalNanos: 310_000_000, startedAtMs: 1_700_000_000_000 });
});

Deno.test("traffic is that of devices that lead outside", () => {
  const device = (name: string, sent: number) =>
    `${name}: 10 1 2 0 0 0 0 0 ${sent} 1 3 0 0 0 0 0\n`;
  const text =
    `Inter-|   Receive\n face |bytes\n    lo: 1 1\n  ${device("eth0", 20)}${device("veth1", 1)}` +
    `${device("cora1", 1)}${device("wlan0:", 5).replace("::", ":")}`;
  const { interfaces } = networkUsageOf(text);
  assert.deepEqual(interfaces.map(({ name }) => name), ["eth0", "wlan0"]);
  assert.deepEqual(interfaces[0], {
    name: "eth0",
    receivedBytes: 10,
    receivedErrors: 2,
    sentBytes: 20,
    sentErrors: 3,
  });
});

Deno.test("tasks are those that exist, not those that run", () => {
  assert.equal(tasksOf("0.10 0.20 0.30 3/222 3859\n"), 222);
  assert.equal(tasksOf(""), 0);
});
