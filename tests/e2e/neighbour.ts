import assert from "node:assert/strict";
import { later, within } from "../eventually.ts";
import { type PodmanCluster, podOf } from "./podman_cluster.ts";

/** Requests before and during the pressure; `REQUESTS=1000` measures, and prints the 99th percentiles. */
const REQUESTS = Number(Deno.env.get("REQUESTS") ?? 200);
const isMeasured = Deno.env.has("REQUESTS");
const REQUESTS_PER_SECOND = 200;
/** An answer that takes this long has not come, however slow the machine is. */
const ANSWER_MS_MAX = 20_000;

/** A pod that answers "hello" whatever others on its node do: its URL. */
export async function neighbour(cluster: PodmanCluster, name: string): Promise<string> {
  await cluster.apply(podOf(name, {
    script: "mkdir /tmp/w; echo hello > /tmp/w/index.html; exec httpd -f -p 8080 -h /tmp/w",
    container: { resources: { requests: { cpu: "500m" } } }, // what others leave is not its own
  }));
  const { status } = await cluster.readyPod(name);
  return `http://${status.podIP}:8080/`;
}

export async function apiAnswers(cluster: PodmanCluster): Promise<void> {
  const nodes = await within("the API", ANSWER_MS_MAX, () => cluster.get("/api/v1/nodes"));
  assert.ok(nodes, "the API has not answered");
}

/** Prints what was asked for by `REQUESTS`. In milliseconds. */
export function tellTimes(what: string, alone: number, pressed: number): void {
  const times = [alone, pressed].map((ms) => `${ms.toFixed(1)} ms`).join(", then ");
  // deno-lint-ignore no-console -- what was asked for
  if (isMeasured) console.log(`${what}: alone ${times}`);
}

/** The 99th percentile of the time that requests take, in milliseconds. */
export async function measured(url: string): Promise<number> {
  const times: number[] = [];
  const startMs = performance.now();
  for (let i = 0; i < REQUESTS; i++) {
    const dueMs = startMs + i * 1_000 / REQUESTS_PER_SECOND;
    await later(Math.max(0, dueMs - performance.now()));
    const sentMs = performance.now();
    const response = await within(
      "an answer",
      ANSWER_MS_MAX,
      () => fetch(url, { headers: { connection: "close" } }),
    );
    assert.equal(await response.text(), "hello\n");
    times.push(performance.now() - sentMs);
  }
  return times.sort((a, b) => a - b)[Math.floor(REQUESTS * 0.99)]!;
}
