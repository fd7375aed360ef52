import assert from "node:assert/strict";
import { onPath, type Output, runProgram } from "../kubectl.ts";
import { ServerProcess, withServer } from "../server_process.ts";

const curl = onPath("curl");
const missing = curl === undefined ? " (curl is missing: apt-get install curl)" : "";

interface Case {
  name: string;
  /** What is sent; `-` is standard input. */
  manifest: string;
  args?: readonly string[];
  query?: string;
  /** The exit code of curl with `--fail-with-body`; 22 for a refusal. */
  code?: 0 | 22;
  out: string | RegExp;
  /** Of the header `warning`. */
  warning?: RegExp;
}

const map = (name: string, value: string) =>
  `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${name}"}, "data": {"k": "${value}"}}`;
const yaml = (name: string, more = "") =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n${more}`;
const JSON_WANTED = ["-H", "accept: application/json"];
const unknownField = yaml("strange", "color: red\n");

/** In order: what one has made, the next one finds. */
const CASES: readonly Case[] = [
  {
    name: "YAML and JSON in one stream",
    manifest: `${yaml("a")}---\n${map("b", "1")}\n---\n# nothing\n---\n${yaml("c")}`,
    out: "configmap/a created\nconfigmap/b created\nconfigmap/c created\n",
  },
  {
    name: "what is as it should be stays, what is not is changed",
    manifest: `${yaml("a")}---\n${map("b", "2")}`,
    out: "configmap/a unchanged\nconfigmap/b configured\n",
  },
  {
    name: "a List is its items",
    manifest: `{"apiVersion": "v1", "kind": "List", "items": [${map("a", "1")}, ${map("d", "1")}]}`,
    out: "configmap/a configured\nconfigmap/d created\n",
  },
  {
    name: "JSON for programs",
    manifest: map("a", "1"),
    args: JSON_WANTED,
    out:
      /^\{"kind":"Status","apiVersion":"v1",.*"status":"Success",.*"object":"configmap\/a","outcome":"unchanged"/,
  },
  {
    name: "text for those who ask for it",
    manifest: map("a", "1"),
    args: ["-A", "tool/1", "-H", "accept: text/plain"],
    out: "configmap/a unchanged\n",
  },
  {
    name: "JSON for a program that asks for nothing",
    manifest: map("a", "1"),
    args: ["-A", "tool/1"],
    out: /^\{"kind":"Status"/,
  },
  {
    name: "the namespace of objects that name none",
    manifest: map("elsewhere", "1"),
    query: "?namespace=kube-public",
    out: /^configmap\/elsewhere created\n$/,
  },
  {
    name: "a dry run changes nothing",
    manifest: `${map("a", "9")}\n---\n${map("dry", "1")}`,
    query: "?dryRun=All",
    out: "configmap/a configured (server dry run)\nconfigmap/dry created (server dry run)\n",
  },
  {
    name: "and a second dry run finds the same",
    manifest: `${map("a", "9")}\n---\n${map("dry", "1")}`,
    query: "?dryRun=All",
    out: "configmap/a configured (server dry run)\nconfigmap/dry created (server dry run)\n",
  },
  {
    name: "every mistake has its line and column, and nothing is written",
    manifest:
      `${yaml("fine")}---\n${
        yaml("Bad_Name")
      }---\napiVersion: v1\nkind: Pod\nmetadata: { name: p }\n` +
      `spec:\n  restartPolicy: Often\n  containers: [{ name: a, imagee: b }]\n`,
    code: 22,
    out:
      /^error: line 7, column 13: configmap\/Bad_Name: metadata\.name: Invalid value[^]*error: line 13, column 3: pod\/p: spec\.restartPolicy: Unsupported value[^]*error: line 14, column 27: pod\/p: [^\n]*imagee[^]*error: 2 of 3 objects cannot be applied, nothing was changed\n$/,
  },
  {
    name: "what a refused stream named is not there",
    manifest: yaml("fine"),
    query: "?dryRun=All",
    out: "configmap/fine created (server dry run)\n",
  },
  {
    name: "what is not YAML says where",
    manifest: "a: [1,\nb: }",
    code: 22,
    out: /^error: error parsing manifest: line 2, column \d+: /,
  },
  {
    name: "an unknown field is refused unless somebody says otherwise",
    manifest: unknownField,
    code: 22,
    out: /^error: line 4, column \d+: configmap\/strange: unknown field "color"/,
  },
  {
    name: "fieldValidation=Warn: it is left out and told",
    manifest: unknownField,
    query: "?fieldValidation=Warn",
    out: /^Warning: configmap\/strange: unknown field "color"\nconfigmap\/strange created\n$/,
    warning: /unknown field \\?"color/,
  },
  {
    name: "fieldValidation=Ignore: it is left out",
    manifest: unknownField,
    query: "?fieldValidation=Ignore",
    out: "configmap/strange unchanged\n",
  },
  {
    name: "fieldValidation=Strict: it is refused",
    manifest: unknownField,
    query: "?fieldValidation=Strict",
    code: 22,
    out: /unknown field "color"/,
  },
  {
    name: "an unknown value of fieldValidation",
    manifest: unknownField,
    query: "?fieldValidation=Loose",
    code: 22,
    out: /fieldValidation/,
  },
  {
    name: "a kind that nobody serves",
    manifest: "apiVersion: example.com/v1\nkind: Sail\nmetadata: { name: a }\n",
    code: 22,
    out: /no matches for kind "Sail" in version "example\.com\/v1"/,
  },
  {
    name: "what is not acted on is warned of",
    manifest: "apiVersion: v1\nkind: Pod\nmetadata: { name: warned }\n" +
      "spec: { volumes: [{ name: v, csi: { driver: a.b } }], nodeName: nowhere, containers: [{ name: a, image: b }] }\n",
    query: "?dryRun=All",
    out: /^Warning: pod\/warned: spec\.volumes\[0\]\.csi: not implemented/,
    warning: /^299 - "spec\.volumes\[0\]\.csi: not implemented/,
  },
  { name: "nothing at all", manifest: "", code: 22, out: /^error: no objects passed to apply\n$/ },
  {
    name: "the method of those who do not use -T",
    manifest: map("a", "1"),
    args: ["-X", "POST"],
    code: 22,
    out: /does not allow this method on the requested resource; send manifests by PUT/,
  },
  {
    name: "a type that is none of ours",
    manifest: map("a", "1"),
    args: ["-H", "content-type: text/html"],
    code: 22,
    out: /unknown format|application\/yaml/,
  },
  {
    name: "a compressed body",
    manifest: map("a", "1"),
    args: ["-H", "content-encoding: gzip"],
    code: 22,
    out: /content-encoding/i,
  },
];

Deno.test({
  name: `curl applies manifests${missing}`,
  ignore: curl === undefined,
  ...{ sanitizeOps: false, sanitizeResources: false },
  fn: (test) =>
    withServer({ runtime: "process" }, async (server) => {
      for (const each of CASES) {
        await test.step(each.name, async () => {
          const { code, stdout } = await put(server, each);
          const [head, body] = split(stdout);
          assert.equal(code, each.code ?? 0, stdout);
          if (typeof each.out === "string") assert.equal(body, each.out);
          else assert.match(body, each.out);
          if (each.warning) assert.match(/^warning: (.*)$/im.exec(head)?.[1] ?? "", each.warning);
        });
      }
    }),
});

/** `curl -T -`, with the head of the answer before its body. */
async function put(server: ServerProcess, { manifest, args = [], query = "" }: Case) {
  const token = (await Deno.readTextFile(`${server.dataFolder}/admin.token`)).trim();
  return await runProgram(curl!, [
    ...["--silent", "--show-error", "--fail-with-body", "--include", "--http1.1"],
    ...["--cacert", `${server.dataFolder}/ca.crt`, "-H", `authorization: Bearer ${token}`],
    ...["-T", "-", ...args, `${server.address}/apply${query}`],
  ], { input: manifest });
}

/** Without what `Expect: 100-continue` brings. */
function split(text: string): [head: string, body: string] {
  const final = text.replace(/^HTTP\/1\.1 100 [^]*?\r\n\r\n/, "");
  const at = final.indexOf("\r\n\r\n");
  return [final.slice(0, at), final.slice(at + 4)];
}

Deno.test({
  name: `the commands of the README do what they say${missing}`,
  ignore: curl === undefined || onPath("kubectl") === undefined,
  ...{ sanitizeOps: false, sanitizeResources: false },
  fn: () =>
    withServer({ runtime: "process" }, async (server) => {
      const readme = await Deno.readTextFile("README.md");
      const block = /## Run it\s+```sh\n([^]*?)```/.exec(readme)![1]!;
      const commands = block.replaceAll("\\\n", " ").trim().split("\n")
        .filter((command) => !command.startsWith("deno task start")); // it runs already
      assert.equal(commands.length, 2, block);
      await Deno.writeTextFile(`${server.dataFolder}/app.yaml`, yaml("app"));
      const outputs: Output[] = [];
      for (const command of commands) {
        const own = command.replaceAll("/var/lib/coracle", server.dataFolder)
          .replaceAll("https://127.0.0.1:6443", server.address)
          .replaceAll("app.yaml", `${server.dataFolder}/app.yaml`);
        const env = { HOME: server.dataFolder };
        outputs.push(await runProgram("/bin/sh", ["-c", own], { env }));
      }
      assert.deepEqual(outputs.map(({ stdout }) => stdout), [
        "configmap/app created\n",
        "configmap/app unchanged\n",
      ]);
    }),
});

/** What the README says of how commands are called. */
async function usageInReadme(): Promise<string> {
  return /```\n(coracle server [^]*?)```/.exec(await Deno.readTextFile("README.md"))![1]!;
}

Deno.test("every command that the help tells of is in the README", async () => {
  const usage = await usageInReadme();
  const { stdout } = await runProgram(Deno.execPath(), ["run", "-A", "main.ts", "help"]);
  const commands = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);
  assert.ok(commands.includes("server"), stdout);
  assert.deepEqual(commands.filter((name) => !usage.includes(`coracle ${name}`)), []);
});

Deno.test("every flag of a command that the README names is in its help", async () => {
  const block = await usageInReadme();
  for (const usage of block.split(/\n(?=coracle )/)) {
    const [, ...words] = usage.split(/\s+/);
    const command = words.slice(0, words.findIndex((word) => !/^[a-z]+$/.test(word)));
    if (command[0] === "help" || / \| [a-z]/.test(usage)) continue; // several commands in one line
    const asked = ["run", "-A", "main.ts", ...command, "--help"];
    const { stdout } = await runProgram(Deno.execPath(), asked);
    for (const [flag] of usage.matchAll(/--?[a-z][a-z-]*/g)) {
      assert.ok(stdout.includes(flag), `"coracle ${command.join(" ")}" does not tell of ${flag}`);
    }
  }
});
