/**
 * Runs the suites one after another, some beside each other, and ends with the plain line `N passed, N failed, N skipped`.
 *
 *     deno task test            everything
 *     deno task test unit       one suite: unit, fuzz, security, crash, takeover, conformance, e2e, sites
 */
import { signal } from "../core/lib/linux/process_identity.ts";
import { familyOf } from "./process_family.ts";

/** Only a failure takes this long: the slowest suite takes four minutes. */
const SUITE_MS_MAX = 15 * 60_000;

interface Suite {
  name: string;
  /** What follows `deno test -A`. */
  args: readonly string[];
  /** How many files run at once with `--parallel`, in the order of `args`. Absent: as many as there are cores. */
  jobs?: number;
  /** The suite before it that runs at the same time: both wait most of the time, and measure none. */
  beside?: string;
}

/** What begins last would be waited for alone. */
const LONG_E2E = ["two_machines", "remote_streams", "rollout_examples", "rollouts"]
  .map((name) => `tests/e2e/${name}_test.ts`);

const SUITES: readonly Suite[] = [
  {
    name: "unit",
    args: [
      "--parallel",
      "--doc",
      // These two take longest.
      "tests/simulation",
      "agent/runtimes/podman",
      "core",
      "agent",
      "proxy",
      "server",
      "cli",
      "tests/tidy_test.ts",
      "tests/extension_test.ts",
      "tests/mutants",
    ],
    // Those of containers and sockets wait, which is time for another.
    jobs: navigator.hardwareConcurrency + 1,
  },
  { name: "fuzz", args: ["--parallel", "--v8-flags=--expose-gc", "tests/fuzz"] },
  { name: "security", args: ["tests/security"] },
  { name: "crash", args: ["tests/crash"] },
  { name: "takeover", args: ["tests/takeover"], beside: "crash" },
  { name: "conformance", args: ["tests/conformance"] },
  // It waits for links and clocks, while clients of the suite before it compute.
  { name: "sites", args: ["tests/sites"], beside: "conformance" },
  // Its files have networks and folders of their own, and wait for containers most of the time.
  { name: "e2e", args: ["--parallel", ...LONG_E2E, "tests/e2e"], jobs: 2 },
];

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

if (import.meta.main) Deno.exit(await runSuites(Deno.args));

async function runSuites(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown.length > 0) throw new Error(`There is no suite "${unknown.join('", "')}"`);
  const total: Count = { passed: 0, failed: 0, skipped: 0 };
  const chosen = SUITES.filter(({ name }) => names.length === 0 || names.includes(name));
  for (const group of groupsOf(chosen)) {
    for (const count of await runGroup(group)) {
      total.passed += count.passed;
      total.failed += count.failed;
      total.skipped += count.skipped;
    }
  }
  write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

/** What runs at once. */
function groupsOf(suites: readonly Suite[]): Suite[][] {
  const groups: Suite[][] = [];
  for (const suite of suites) {
    const last = groups.at(-1);
    if (last?.some(({ name }) => name === suite.beside)) last.push(suite);
    else groups.push([suite]);
  }
  return groups;
}

/** Runs suites at once. What the first one prints is seen at once, what the others print when all before them have ended. */
async function runGroup(suites: readonly Suite[]): Promise<Count[]> {
  const texts = suites.map(() => "");
  let shown = 0;
  const runs = suites.map((suite, index) =>
    runSuite(suite, (text) => index === shown ? write(text) : texts[index] += text)
  );
  const counts: Count[] = [];
  for (; shown < suites.length; shown++) {
    write(texts[shown]!);
    counts.push(await runs[shown]!);
  }
  return counts;
}

/** Runs one suite and counts its tests. A run that fails without naming a failed test, or hangs, counts as one failure. */
async function runSuite(
  { name, args, jobs }: Suite,
  write: (text: string) => void,
): Promise<Count> {
  write(`\n--- ${name}: deno test -A ${args.join(" ")}\n`);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", ...args],
    env: { NO_COLOR: "1", ...(jobs !== undefined && { DENO_JOBS: String(jobs) }) },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const timer = setTimeout(() => {
    write(
      `\nThe suite ${name} was stopped: it took longer than ${SUITE_MS_MAX / 60_000} minutes\n`,
    );
    for (const pid of familyOf(child.pid)) signal(pid, "SIGKILL");
  }, SUITE_MS_MAX);
  let last = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    write(text);
    last = (last + text).slice(-4_000);
  }
  const { success, code, signal: endedBy } = await child.status;
  clearTimeout(timer);
  const count = countIn(last);
  if (success || count.failed > 0) return count;
  write(
    `\nThe suite ${name} failed: its process ended ${endedBy ? `by ${endedBy}` : `with ${code}`}\n`,
  );
  return { ...count, failed: 1 };
}

/** Reads `ok | 62 passed (4 steps) | 0 failed | 3 ignored (2s)`. */
function countIn(text: string): Count {
  const line = [...text.matchAll(/\| (\d+) passed[^|\n]*\| (\d+) failed([^\n]*)/g)].at(-1);
  return {
    passed: Number(line?.[1] ?? 0),
    failed: Number(line?.[2] ?? 0),
    skipped: Number(line?.[3]?.match(/(\d+) ignored/)?.[1] ?? 0),
  };
}

function write(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}
