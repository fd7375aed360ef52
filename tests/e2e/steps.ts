import { within } from "../eventually.ts";

/** Only a failure takes this long. */
const STEP_MS_MAX = 300_000;

/** The system under test of the steps of a file. */
export interface Fixture {
  /** What its processes logged. */
  readonly log: string;
  /** Stops it; fails when anything is left behind on this machine. */
  end(): Promise<void>;
}

export interface Step<F> {
  name: string;
  run(fixture: F): Promise<void>;
}

export interface Suite<F extends Fixture> {
  name: string;
  /** What this machine lacks, and how to get it: then the suite is ignored. */
  missing: string | undefined;
  start(): Promise<F>;
  /** How many steps run at once. */
  stepsAtOnce?: number;
  /** How long a step may take before it counts as failed. */
  stepMsMax?: number;
  steps: readonly Step<F>[];
}

const UNSANITIZED = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

/** One test of many steps on one fixture, which is stopped even when a step has failed. */
export function testSteps<F extends Fixture>({ name, missing, ...suite }: Suite<F>): void {
  Deno.test({
    name: missing === undefined ? name : `${name} (${missing})`,
    ignore: missing !== undefined,
    ...UNSANITIZED, // pipes of processes stay open as long as they run
    fn: (test) => runSteps(suite, (name, fn) => test.step({ name, fn, ...UNSANITIZED })),
  });
}

/** Rejects when a step has failed, after all others have run and the fixture is stopped. `step` resolves with whether it succeeded. */
export async function runSteps<F extends Fixture>(
  { start, stepsAtOnce = 1, stepMsMax = STEP_MS_MAX, steps }: Omit<Suite<F>, "name" | "missing">,
  step: (name: string, run: () => Promise<void>) => Promise<boolean>,
): Promise<void> {
  const fixture = await start();
  let isGood = true;
  try {
    await inTurns(steps, stepsAtOnce, async ({ name, run }) => {
      const wentWell = await step(name, () => within(name, stepMsMax, () => run(fixture)));
      isGood &&= wentWell;
    });
    isGood &&= !/ is broken|"level":"error"/.test(fixture.log);
    if (!isGood) throw new Error(`The log:\n${fixture.log}`);
  } finally {
    await step("nothing is left", () => within("the end", stepMsMax, () => fixture.end()));
  }
}

/** Runs all, this many at a time; fails when one has failed, after the others have ended. */
async function inTurns<T>(
  items: readonly T[],
  atOnce: number,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const rest = [...items];
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await act(item);
  }));
}
