import { type Clock, SystemClock } from "../../core/lib/clock.ts";
import { CommandError } from "../../server/command_error.ts";
import type { Access } from "../../server/kubeconfig.ts";
import type { Terminal } from "../../server/terminal.ts";
import { Cluster, ROLLOUTS } from "../rollout/cluster/cluster.ts";
import { FollowedObjects } from "../rollout/cluster/followed_objects.ts";
import type { Rollout } from "../rollout/cluster/objects.ts";
import { phaseOf } from "../rollout/summary/phase.ts";
import { Flow, type FlowCounts } from "./flow.ts";

const NAME = "web";
const NAMESPACE = "default";
const PER_SECOND = 200;
const CONNECTIONS = 8;
/** So long each split is measured. */
const LOOK_MS = 2_000;
/** Images are small and local: what takes longer than this has failed. */
const WAIT_MS_MAX = 120_000;
const BAR_WIDTH = 30;
/** One of so many requests to the bad version fails. */
const FAIL_ONE_IN = 5;

/** What the story is told with. */
interface Scene {
  cluster: Cluster;
  rollouts: FollowedObjects<Rollout>;
  flow: Flow;
  clock: Clock;
  terminal: Pick<Terminal, "out" | "signal">;
  /** Resolves at the next change of the rollout. */
  changed(): Promise<void>;
}

/**
 * Rolls out a good version and a bad one while requests come in steadily, and says what happened to them. Throws when
 * the story does not go as it should.
 */
export async function tellStory(
  access: Access,
  url: string,
  terminal: Pick<Terminal, "out" | "signal">,
): Promise<void> {
  const clock = new SystemClock();
  const stop = new AbortController();
  const signal = AbortSignal.any([terminal.signal, stop.signal]);
  using cluster = new Cluster(access, NAMESPACE, signal);
  const rollouts = new FollowedObjects<Rollout>(cluster, ROLLOUTS);
  await rollouts.list();
  let wake = () => {};
  const changed = () => new Promise<void>((resolve) => wake = resolve);
  const flow = new Flow({ url, perSecond: PER_SECOND, connections: CONNECTIONS, clock });
  const running = [rollouts.follow(() => wake(), clock, signal)];
  const scene: Scene = {
    cluster,
    rollouts,
    flow,
    clock,
    terminal: { ...terminal, signal },
    changed,
  };
  try {
    await reached(scene, "Healthy");
    running.push(flow.run(signal));
    await first(scene);
    await good(scene);
    await bad(scene);
  } catch (error) {
    if (!terminal.signal.aborted) throw error;
  } finally {
    stop.abort();
    await Promise.all(running);
  }
  if (!terminal.signal.aborted) sayTotals(flow.total, terminal);
}

async function first(scene: Scene): Promise<void> {
  scene.terminal.out(`v1 serves; ${PER_SECOND} requests a second come in\n`);
  await look(scene, "100 %");
}

async function good(scene: Scene): Promise<void> {
  scene.terminal.out("v2 is rolled out: 20 %, 50 %, 100 %\n");
  await change(scene, [{ op: "replace", path: `${ENV}/0/value`, value: "v2" }]);
  for (const weight of [20, 50]) {
    await served(scene, weight);
    await look(scene, `${weight} %`);
  }
  await reached(scene, "Healthy");
  await look(scene, "100 %");
}

async function bad(scene: Scene): Promise<void> {
  const { terminal: { out }, clock } = scene;
  out(`v3 is rolled out, which answers 500 to one request in ${FAIL_ONE_IN}\n`);
  await change(scene, [
    { op: "replace", path: `${ENV}/0/value`, value: "v3" },
    { op: "add", path: `${ENV}/-`, value: { name: "FAIL_ONE_IN", value: String(FAIL_ONE_IN) } },
  ]);
  await served(scene, 20);
  const startedMs = clock.elapsed();
  await look(scene, "20 %");
  await reached(scene, "Degraded");
  const seconds = ((clock.elapsed() - startedMs) / 1_000).toFixed(1);
  out(`  taken back by itself after ${seconds} s: ${phaseOf(current(scene)).message}\n`);
  await look(scene, "0 %");
}

const ENV = "/spec/template/spec/containers/0/env";

async function change({ cluster }: Scene, operations: object[]): Promise<void> {
  await cluster.patch(ROLLOUTS, NAME, operations);
}

function current({ rollouts }: Scene): Rollout {
  const rollout = rollouts.named(NAME);
  if (rollout) return rollout;
  throw new CommandError(`Somebody has deleted the rollout "${NAME}"`);
}

/** Waits until all proxies give the canary this weight. */
async function served(scene: Scene, weight: number): Promise<void> {
  await until(scene, `a weight of ${weight} %`, (rollout) => {
    const { weights } = rollout.status?.canary ?? {};
    return weights?.canary?.weight === weight && weights.verified !== false;
  });
}

async function reached(scene: Scene, wanted: string): Promise<void> {
  await until(scene, `phase ${wanted}`, (rollout) => phaseOf(rollout).phase === wanted);
}

async function until(
  scene: Scene,
  what: string,
  isSo: (rollout: Rollout) => boolean,
): Promise<void> {
  const { clock, terminal: { signal }, changed } = scene;
  const late = clock.sleep(WAIT_MS_MAX, signal).then(() => true);
  for (;;) {
    const next = changed().then(() => false);
    if (isSo(current(scene))) return void late.catch(() => {});
    if (await Promise.race([next, late])) {
      const { phase, message } = phaseOf(current(scene));
      throw new CommandError(
        `The rollout has not come to ${what} in ${WAIT_MS_MAX / 1_000} s: ${phase} ${message}`,
      );
    }
  }
}

/** Counts for a while, and says who answered. */
async function look(
  { flow, clock, terminal: { out, signal } }: Scene,
  title: string,
): Promise<void> {
  flow.mark();
  await clock.sleep(LOOK_MS, signal);
  const { versions } = flow.recent;
  const all = [...versions.values()].reduce((sum, { answers }) => sum + answers, 0);
  const lines = [...versions].sort().map(([version, { answers, errors }]) => {
    const share = answers / Math.max(all, 1);
    const bar = "█".repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH);
    const failed = errors > 0 ? `, ${errors} of them errors` : "";
    return `${version} ${bar} ${String(answers).padStart(4)} requests, ${
      (100 * share).toFixed(1)
    } %${failed}`;
  });
  lines.forEach((line, index) => out(`  ${(index === 0 ? title : "").padStart(5)}  ${line}\n`));
}

function sayTotals({ versions, lost }: FlowCounts, { out }: Pick<Terminal, "out">): void {
  const all = [...versions.values()].reduce((sum, { answers }) => sum + answers, lost);
  const errors = [...versions].map(([version, { errors }]) => `${errors} by ${version}`);
  out(
    `In all ${all} requests; errors: ${
      errors.join(", ")
    }; requests that nobody answered: ${lost}\n`,
  );
  const others = [...versions].filter(([version, { errors }]) => version !== "v3" && errors > 0);
  if (lost > 0 || others.length > 0) {
    throw new CommandError("Something else than the bad version has failed");
  }
}
