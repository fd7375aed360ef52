/**
 * Asks probes of one type for a while, and prints what that costs: for `probes.ts`.
 *
 *     deno run -A bench/probing.ts TYPE PORT PROBES SECONDS
 */
import process from "node:process";
import { SystemClock } from "../core/lib/clock.ts";
import { Slots } from "../core/lib/slots.ts";
import type { Container } from "../core/resources/core/pods/spec/containers.ts";
import { dialProbe } from "../agent/probes/probe_dialer.ts";
import { Probes } from "../agent/probes/probes.ts";

const [type = "none", port = "0", count = "0", seconds = "0"] = Deno.args;
const clock = new SystemClock();
let asked = 0;
let failed = 0;
const all = Array.from({ length: Number(count) }, (_, index) => probesOf(`c${index}`));
await clock.sleep(2_000);
asked = 0;
const before = process.cpuUsage();
await clock.sleep(Number(seconds) * 1_000);
const { user, system } = process.cpuUsage(before);
process.stdout.write(JSON.stringify({ asked, failed, cpuMs: (user + system) / 1_000 }));
for (const probes of all) probes.stop();

function probesOf(containerId: string): Probes | { stop(): void } {
  if (type === "none") return { stop() {} };
  const runtime = { exec: () => Promise.reject(new Error("not used")) };
  const target = {
    podIP: "127.0.0.1",
    containerId,
    ports: [],
    runtime,
    execSlots: new Slots(1),
    clock,
  };
  const action = { path: "/", port: Number(port), scheme: "HTTP", service: "" };
  const readinessProbe = {
    [type]: action,
    ...{ periodSeconds: 1, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 1 },
  };
  return new Probes({
    container: { name: "main", readinessProbe } as unknown as Container, // only what probes read
    startedAtMs: clock.now(),
    health: { containerId, started: true, ready: true },
    clock,
    check: (probe, signal) => {
      asked++;
      return dialProbe(probe, target, signal);
    },
    onHealth: () => {},
    onOutcome: () => failed++,
  });
}
