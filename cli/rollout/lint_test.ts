import assert from "node:assert/strict";
import { CommandError } from "../../server/command_error.ts";
import { lint } from "./lint.ts";

const GOOD = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web }] }
  strategy:
    canary:
      canaryService: web-canary
      steps:
        - setWeight: 20
        - analysis: { templates: [{ templateName: elsewhere }] }
`;

/** What is said of a manifest. */
async function linted(text: string): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".yaml" });
  let out = "";
  try {
    await Deno.writeTextFile(file, text);
    await lint([file], {
      out: (said) => void (out += said.replaceAll(file, "FILE")),
      err: () => {},
      interactive: false,
      signal: new AbortController().signal,
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    out += error.message;
  } finally {
    await Deno.remove(file);
  }
  return out;
}

const SERVICE = (label: string) =>
  `---
apiVersion: v1
kind: Service
metadata: { name: web-canary }
spec: { selector: { ${label}: web } }
`;
const MISFIT =
  'FILE:11:7: spec.strategy.canary.canaryService: Invalid value: "web-canary": Service "web-canary" has unmatch label "other" in rollout\nFound 1 fault';

const ROWS: readonly [what: string, manifest: string, said: string][] = [
  ["what is named and not in the file is no fault", GOOD, ""],
  ["a Service in the file that fits", GOOD + SERVICE("app"), ""],
  ["one that does not", GOOD + SERVICE("other"), MISFIT],
  [
    "all faults, each in its place",
    GOOD.replace("setWeight: 20", "setWeight: 120").replace(
      "  strategy:",
      "  replica: 3\n  strategy:",
    ),
    "FILE:9:3: spec.replica: unknown field\n" +
    "FILE:14:11: spec.strategy.steps[0].setWeight: Invalid value: 120: SetWeight needs to be between 0 and 100\n" +
    "Found 2 faults",
  ],
  [
    "a workload that is elsewhere has the template",
    `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: web }
spec:
  workloadRef: { apiVersion: apps/v1, kind: Deployment, name: web }
  strategy: { canary: {} }
`,
    "",
  ],
  [
    "other kinds are not looked at",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {x: 1}\n",
    "",
  ],
];

for (const [what, manifest, said] of ROWS) {
  Deno.test(`coracle rollout lint: ${what}`, async () =>
    assert.equal(await linted(manifest), said));
}

Deno.test("coracle rollout lint: what is no YAML is refused", async () => {
  assert.match(await linted("a: [\n"), /^Cannot read ".*": /);
});
