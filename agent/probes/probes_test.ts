import assert from "node:assert/strict";
import { VirtualClock } from "../../core/lib/virtual_clock.ts";
import type { Container } from "../../core/resources/core/pods/spec/containers.ts";
import type { Probe } from "../../core/resources/core/pods/spec/probes.ts";
import type { ProbeOutcome } from "./probe_type.ts";
import { afterAnswer, type Health, initialHealth, nextQuestion, Probes } from "./probes.ts";

const GOOD: ProbeOutcome = { result: "success", output: "" };
const BAD: ProbeOutcome = { result: "failure", output: "no" };

Deno.test("a program that is up after 80 ms is ready after 140 ms, not after a period", async () => {
  const world = new ProbedWorld({ readinessProbe: probe({ periodSeconds: 10 }) });
  world.answer = (nowMs) => nowMs < 80 ? BAD : GOOD;
  await world.clock.advance(200);
  assert.deepEqual(world.askedMs, [0, 20, 60, 140]);
  assert.equal(world.health.ready, true);
  assert.deepEqual(world.told, [], "early failures are nobody's business");
});

Deno.test("a ready container is asked once a period, and is unready after the threshold", async () => {
  const world = new ProbedWorld({ readinessProbe: probe({ periodSeconds: 2 }) });
  await world.clock.advance(5_000);
  assert.deepEqual(world.askedMs, [0, 2_000, 4_000]);
  world.answer = () => BAD;
  await world.clock.advance(4_000);
  assert.equal(world.health.ready, true, "two failures are less than three");
  await world.clock.advance(2_000);
  assert.equal(world.health.ready, false);
  assert.deepEqual(world.told, ["readiness no", "readiness no", "readiness no"]);
  world.answer = () => GOOD;
  await world.clock.advance(2_000);
  assert.equal(world.health.ready, true);
});

Deno.test("a period that begins while an early question is answered is asked for at once", async () => {
  const world = new ProbedWorld({
    readinessProbe: probe({ periodSeconds: 1, failureThreshold: 1, exec: { command: ["no"] } }),
  });
  world.answer = () => BAD;
  world.answerMs = 700; // early ones at 0 and 950, which ends at 1650: the one of 1000 is late
  await world.clock.advance(2_340);
  assert.deepEqual(world.askedMs, [0, 950, 1_650]);
  assert.deepEqual(world.told, []);
  await world.clock.advance(10);
  assert.deepEqual(world.told, ["readiness no"]);
});

Deno.test("a probe that takes longer than its period is asked again as soon as it has answered", async () => {
  const world = new ProbedWorld({ livenessProbe: probe({ periodSeconds: 1 }) });
  world.answerMs = 1_500;
  await world.clock.advance(5_000);
  assert.deepEqual(world.askedMs, [0, 1_500, 3_000, 4_500]);
});

Deno.test("one good answer between bad ones starts the count anew", async () => {
  const world = new ProbedWorld({
    livenessProbe: probe({ periodSeconds: 1, failureThreshold: 2 }),
  });
  let count = 0;
  world.answer = () => count++ % 2 === 0 ? BAD : GOOD;
  await world.clock.advance(20_000);
  assert.equal(world.health.failed, undefined);
});

Deno.test("an answer that is none counts neither way", async () => {
  const world = new ProbedWorld({
    livenessProbe: probe({ periodSeconds: 1, failureThreshold: 2 }),
  });
  world.answer = () => ({ result: "error", output: "cannot ask" });
  await world.clock.advance(20_000);
  assert.equal(world.health.failed, undefined);
  assert.deepEqual(new Set(world.told), new Set(["liveness cannot ask"]));
});

Deno.test("liveness fails once, and then nothing more is asked", async () => {
  const world = new ProbedWorld({
    livenessProbe: probe({ periodSeconds: 1, initialDelaySeconds: 5 }),
    readinessProbe: probe({ periodSeconds: 1 }),
  });
  await world.clock.advance(4_900);
  world.askedMs.length = 0;
  world.answer = (nowMs) => nowMs >= 5_000 ? BAD : GOOD;
  await world.clock.advance(30_000);
  assert.equal(world.health.failed, "liveness");
  assert.equal(Math.max(...world.askedMs), 7_000);
  assert.equal(world.clock.pending, 0);
});

Deno.test("until the startup probe succeeds the others are not asked, and it has its whole budget", async () => {
  const world = new ProbedWorld({
    startupProbe: probe({ periodSeconds: 10, failureThreshold: 3 }),
    livenessProbe: probe({ periodSeconds: 1, failureThreshold: 1 }),
    readinessProbe: probe({ periodSeconds: 1 }),
  });
  world.answer = (_, kind) => kind === "startup" ? BAD : GOOD;
  await world.clock.advance(29_000);
  assert.deepEqual(world.kinds, new Set(["startup"]));
  assert.equal(world.health.failed, undefined, "its early questions were counted");
  assert.deepEqual([world.health.started, world.health.ready], [false, false]);
  world.answer = () => GOOD;
  await world.clock.advance(1_000);
  assert.deepEqual([world.health.started, world.health.ready], [true, true]);
  assert.deepEqual(world.kinds, new Set(["startup", "liveness", "readiness"]));
});

Deno.test("a startup probe that goes on failing fails the container", async () => {
  const world = new ProbedWorld({ startupProbe: probe({ periodSeconds: 1, failureThreshold: 3 }) });
  world.answer = () => BAD;
  await world.clock.advance(4_000);
  assert.equal(world.health.failed, "startup");
});

Deno.test("a container that is known to be ready stays so until it fails", async () => {
  const container = containerOf({ readinessProbe: probe({ periodSeconds: 1 }) });
  const health = { ...initialHealth("id", container), ready: true };
  const world = new ProbedWorld(container, health);
  world.answer = () => BAD;
  await world.clock.advance(1_500);
  assert.equal(world.health.ready, true);
  await world.clock.advance(1_000);
  assert.equal(world.health.ready, false);
});

Deno.test("probes that are stopped ask nothing more, and leave no timer", async () => {
  const world = new ProbedWorld({ readinessProbe: probe({}), livenessProbe: probe({}) });
  await world.clock.advance(1_000);
  world.probes.stop();
  world.askedMs.length = 0;
  await world.clock.advance(60_000);
  assert.deepEqual(world.askedMs, []);
  assert.equal(world.clock.pending, 0);
});

/** A container whose probes are answered by the test. */
Deno.test("a clock that is set neither holds up the questions nor hurries them", async () => {
  for (const byMs of [3_600_000, -3_600_000]) {
    const world = new ProbedWorld({ readinessProbe: probe({ periodSeconds: 10 }) });
    await world.clock.advance(15_000);
    const before = world.askedMs.length;
    world.clock.jump(world.clock.now() + byMs);
    await world.clock.advance(30_000);
    assert.equal(world.askedMs.length - before, 3);
    world.probes.stop();
  }
});

Deno.test("the initial delay counts from the container's start, not from the agent's", async () => {
  const delayed = { livenessProbe: probe({ periodSeconds: 10, initialDelaySeconds: 40 }) };
  for (const [ageMs, firstMs] of [[0, 40_000], [30_000, 10_000], [50_000, 0], [-5_000, 40_000]]) {
    const world = new ProbedWorld(delayed, undefined, -ageMs!);
    await world.clock.advance(firstMs! + 5_000);
    assert.deepEqual(world.askedMs, [firstMs], `${ageMs}`);
    world.probes.stop();
  }
});

Deno.test("a container that is known to have started is not asked again whether it has", async () => {
  const fields = { startupProbe: probe({}), livenessProbe: probe({}) };
  const world = new ProbedWorld(fields, { containerId: "id", started: true, ready: true });
  await world.clock.advance(25_000);
  assert.deepEqual([...world.kinds], ["liveness"]);
});

Deno.test("a container that has failed is unready, and no question is open any more", async () => {
  const fields = { livenessProbe: probe({ failureThreshold: 1 }), readinessProbe: probe({}) };
  const world = new ProbedWorld(fields);
  await world.clock.advance(5_000);
  assert.equal(world.health.ready, true);
  world.answer = (_, kind) => kind === "liveness" ? BAD : GOOD;
  await world.clock.advance(10_000);
  assert.deepEqual([world.health.failed, world.health.ready], ["liveness", false]);
  assert.equal(world.signal?.aborted, true);
  assert.equal(world.clock.nextMs, undefined);
});

Deno.test("what is answered after the stop is not reported", async () => {
  const world = new ProbedWorld({ livenessProbe: probe({ failureThreshold: 1 }) });
  world.answer = () => BAD;
  world.answerMs = 500;
  await world.clock.advance(100);
  world.probes.stop();
  await world.clock.advance(5_000);
  assert.deepEqual([world.told, world.health.failed], [[], undefined]);
});

Deno.test("an early question that would be due with the next period is that one", () => {
  const schedule = { firstMs: 0, dueMs: 0, repeatMs: 400 };
  const { periodSeconds } = probe({ periodSeconds: 1 });
  const next = (nowMs: number) => nextQuestion(schedule, probe({ periodSeconds }), nowMs, false);
  assert.deepEqual([next(599).atMs, next(599).isCounted], [999, false]);
  assert.deepEqual([next(600).atMs, next(600).isCounted], [1_000, true]);
});

Deno.test("the first answer of a kind starts its count", () => {
  const rule = { probe: probe({ failureThreshold: 2 }), isCounted: true };
  const first = afterAnswer({ verdict: "good", answer: undefined, consecutive: 0 }, BAD, rule);
  assert.deepEqual(first, { verdict: "good", answer: "failure", consecutive: 1 });
  assert.equal(afterAnswer(first, BAD, rule).verdict, "bad");
});

class ProbedWorld {
  readonly clock = new VirtualClock();
  readonly askedMs: number[] = [];
  readonly kinds = new Set<string>();
  readonly told: string[] = [];
  readonly probes: Probes;
  health: Health;
  answer: (nowMs: number, kind: string) => ProbeOutcome = () => GOOD;
  answerMs = 0;
  signal: AbortSignal | undefined;

  constructor(fields: Partial<Container>, health?: Health, startedAtMs = 0) {
    const container = containerOf(fields);
    this.health = health ?? initialHealth("id", container);
    this.probes = new Probes({
      container,
      startedAtMs,
      health: this.health,
      clock: this.clock,
      check: async (asked, signal) => {
        this.signal = signal;
        const kind = asked === container.startupProbe
          ? "startup"
          : asked === container.livenessProbe
          ? "liveness"
          : "readiness";
        this.kinds.add(kind);
        this.askedMs.push(this.clock.now());
        if (this.answerMs > 0) await this.clock.sleep(this.answerMs);
        return this.answer(this.clock.now(), kind);
      },
      onHealth: (changed) => this.health = changed,
      onOutcome: (kind, { output }) => this.told.push(`${kind} ${output}`),
    });
  }
}

function containerOf(fields: Partial<Container>): Container {
  return { name: "main", ...fields } as Container;
}

function probe(fields: Partial<Probe>): Probe {
  return {
    tcpSocket: { port: 80 },
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
    ...fields,
  };
}
