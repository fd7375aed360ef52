import assert from "node:assert/strict";
import fc from "fast-check";
import { runAtOnce } from "../lib/steps.ts";
import { MANIFEST_LIMITS, ManifestError, objectFromYaml, parseManifests } from "./manifest.ts";

function values(source: string | Uint8Array): unknown[] {
  return parseManifests(source).map(({ value }) => value);
}

function fault(source: string | Uint8Array, limits = {}): string {
  try {
    parseManifests(source, limits);
  } catch (error) {
    assert.ok(error instanceof ManifestError, String(error));
    return error.message;
  }
  return "none";
}

const POD = `# A pod.
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app.kubernetes.io/name: web, a.b: c, a: d}
spec:
  containers:
    - name: c
      ports:
        - containerPort: 80
        - name: x
          containerPort: 99999
      args: [a, "b", 'c']
`;

Deno.test("documents of YAML and JSON are read in their order, empty ones skipped", () => {
  const stream = `---
# nothing

---
a: 1
--- # comment
b: 2
...
---
{"c": 3} {"d": 4}
{"e": [5]}
---
null
--- {f: 6}
`;
  assert.deepEqual(values(stream), [{ a: 1 }, { b: 2 }, { c: 3 }, { d: 4 }, { e: [5] }, { f: 6 }]);
  assert.deepEqual(values(new TextEncoder().encode("\ufeffa: é\r\nb: 🚣\r\n")), [{
    a: "é",
    b: "🚣",
  }]);
  for (const empty of ["", "\n", "---", "# a\n", "---\n---\n", " "]) {
    assert.deepEqual(values(empty), []);
  }
});

Deno.test("lists are unpacked, and typed ones say what their items are", () => {
  const list = `apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: {name: a}}
- apiVersion: v1
  kind: PodList
  items:
  - metadata: {name: b}
`;
  const manifests = parseManifests(list);
  assert.deepEqual(manifests.map(({ value }) => value), [
    { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } },
    { apiVersion: "v1", kind: "Pod", metadata: { name: "b" } },
  ]);
  assert.deepEqual(manifests.map(({ position }) => position), [
    { line: 4, column: 3 },
    { line: 8, column: 5 },
  ]);
  assert.deepEqual(manifests[1]!.at("metadata.name"), { line: 8, column: 16 });
});

Deno.test("every field has its line and column, whatever it was written in", () => {
  const [pod] = parseManifests(`a: 1\n---\n${POD}`).slice(1);
  const lines: [path: string, line: number, column: number][] = [
    ["", 4, 1],
    ["kind", 5, 1],
    ["spec.containers[0].ports[1].containerPort", 15, 11],
    ["spec.containers[0].args[2]", 16, 22],
    ["metadata.labels[app.kubernetes.io/name]", 8, 12],
    ["metadata.labels.a.b", 8, 41],
    ["spec.containers[0].image", 11, 7], // not there: the container
    ["spec.containers[7].image", 10, 3],
    ["spec.template.spec", 9, 1],
  ];
  for (const [path, line, column] of lines) assert.deepEqual(pod!.at(path), { line, column }, path);
  const json = '{"a": 1}\n{\n  "spec": {\n    "ports": [1,\n      2]\n  }\n}';
  assert.deepEqual(parseManifests(json)[1]!.at("spec.ports[1]"), { line: 5, column: 7 });
});

Deno.test("words without quotes mean what they mean for kubectl", () => {
  const rows: [text: string, value: unknown][] = [
    ...["y", "yes", "On", "TRUE", "true"].map((word): [string, boolean] => [word, true]),
    ...["n", "no", "Off", "FALSE", "false"].map((word): [string, boolean] => [word, false]),
    ...["", "~", "null", "NULL"].map((word): [string, null] => [word, null]),
    ["0644", 420],
    ["0o644", 420],
    ["-0x1F", -31],
    ["0b11", 3],
    ["08", 8],
    ["1_000", 1000],
    ["1e3", 1000],
    [".5", 0.5],
    ["1.10", 1.1],
    ["1.2.3", "1.2.3"],
    ["12:30:45", "12:30:45"],
    ["2001-12-14", "2001-12-14"],
    ["2001-12-14T21:59:43Z", "2001-12-14T21:59:43Z"],
    ["100m", "100m"],
    ["1Gi", "1Gi"],
    ["nil", "nil"],
    ["'0644'", "0644"],
    ['"yes"', "yes"],
    ["!!str 5", "5"],
    ["!!int '5'", 5],
    ["http://a/b#c", "http://a/b#c"],
  ];
  for (const [text, value] of rows) assert.deepEqual(values(`a: ${text}`), [{ a: value }], text);
  assert.deepEqual(values("yes: 1\n1.0: 2"), [{ true: 1, 1: 2 }]);
});

Deno.test("a block at the end of a file without a last line end has none, as for kubectl", () => {
  assert.deepEqual(values("a: |\n  x\n  y"), [{ a: "x\ny" }]);
  assert.deepEqual(values("a: |\n  x\n  y\n"), [{ a: "x\ny\n" }]);
  assert.deepEqual(values("a: |\n  x\n---\nb: |-\n  y\n"), [{ a: "x\n" }, { b: "y" }]);
});

Deno.test("anchors are copied and merged, and the copies are not shared", () => {
  const [value] = values("base: &b {x: [1], z: 0}\nc: *b\nd:\n  <<: *b\n  z: 3\n") as {
    base: unknown;
    c: { x: number[] };
    d: unknown;
  }[];
  assert.deepEqual(value!.d, { z: 3, x: [1] });
  value!.c.x.push(2);
  assert.deepEqual(value!.base, { x: [1], z: 0 });
});

Deno.test("each fault has its line and column", () => {
  const rows: [source: string, message: string][] = [
    ["a: 1\nb:\n  a: 2\n  a: 3\n", 'line 4, column 3: key "a" already set in map'],
    ['{"b": {"a": 2,\n "a": 3}}', 'line 2, column 2: key "a" already set in map'],
    ["a: 1\n---\nx\n", "line 3, column 1: expected an object"],
    ["[1]", "line 1, column 1: expected an object"],
    ["a: *b", 'line 1, column 4: unknown anchor "b" referenced'],
    ["a: &a [*a]", 'line 1, column 8: anchor "a" value contains itself'],
    ["a: !!foo b", "line 1, column 10: unknown tag tag:yaml.org,2002:foo"],
    ["? [a]\n: b", "line 1, column 3: a key must be a text, a number or a boolean"],
    ["a: .inf", "line 1, column 4: .inf cannot be said in JSON"],
    ["a:\n  <<: 5", "line 2, column 3: map merge requires map or sequence of maps as the value"],
    ["a: 1\n__proto__: {x: 1}", 'line 2, column 1: the key "__proto__" is not allowed'],
    ['{"__proto__": {"x": 1}}', 'line 1, column 2: the key "__proto__" is not allowed'],
  ];
  for (const [source, message] of rows) assert.equal(fault(source), message);
  assert.match(
    fault("a:\n  b: 1\n c: 2"),
    /^line 3, column 1: All mapping items must start at the same column/,
  );
  assert.match(fault("a: b\n\tc: d"), /^line 2, column 1: /);
  assert.match(fault('{"a": 1,\n "b": '), /^line 2, column 7: /);
  assert.match(fault('{"a": 1}\n{"b" 2}'), /^line 2, column 6: Expected ':' after property name/);
});

Deno.test("what is not UTF-8 is refused, with its place", () => {
  const bytes = new Uint8Array([...new TextEncoder().encode("a: é\nb: "), 0xff, 0x0a]);
  assert.equal(fault(bytes), "line 2, column 4: invalid UTF-8");
  assert.equal(fault(new Uint8Array([0x61, 0xc3])), "line 1, column 2: invalid UTF-8");
});

Deno.test("every limit holds, in YAML and in JSON", () => {
  const nested = (depth: number) => `{"a": ${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
  assert.equal(fault(nested(64)), "none");
  assert.match(fault(nested(65)), /nested more than 64 levels deep/);
  const indented = (depth: number) =>
    Array.from({ length: depth }, (_, i) => `${" ".repeat(i)}a:`).join("\n");
  assert.equal(fault(indented(64)), "none");
  assert.match(fault(indented(100)), /nested more than 64 levels deep/);
  assert.equal(
    fault("a: 1\n---\n".repeat(3), { documentsMax: 2 }),
    "line 5, column 1: more than 2 documents",
  );
  assert.equal(fault("a: 12345", { bytesMax: 7 }), "line 1, column 1: larger than 7 bytes");
  assert.match(fault(`a: [${"1,".repeat(400_000)}1]`), /more than 100000 words and signs$/);
  const half = `a: [${"1,".repeat(30_000)}1]\n---\n`;
  assert.match(fault(half.repeat(6)), /more than 400000 words and signs in all documents/);
});

Deno.test("an alias bomb is defused before it goes off", () => {
  const laughs = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"];
  for (let i = 1; i < 30; i++) laughs.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}]`);
  assert.match(fault(laughs.join("\n")), /excessive aliasing/);
  const merges = laughs.map((_, i) =>
    i ? `a${i}: &a${i} {<<: *a${i - 1}, x: *a${i - 1}}` : "a0: &a0 {y: 1}"
  );
  assert.match(fault(merges.join("\n")), /excessive aliasing/);
  const pods = `x: &x {a: 1, b: [1, 2, 3]}\n${
    Array.from({ length: 100 }, (_, i) => `k${i}: *x`).join("\n")
  }`;
  assert.equal(fault(pods), "none");
});

Deno.test("hostile streams are refused or read without delay", () => {
  const sources = [
    "[".repeat(100_000),
    "{a: ".repeat(50_000),
    "- ".repeat(100_000),
    `[${"a: ".repeat(50_000)}]`,
    "? ".repeat(50_000),
    "&a ".repeat(50_000),
    `a: "${"\\\\".repeat(200_000)}`,
    `${'{"a":'.repeat(50_000)}`,
    '{"a":1} '.repeat(50_000),
    `{"a": "${"\\u005f".repeat(100_000)}"}`,
    " ".repeat(500_000),
    "a: |\n".repeat(1) + " \n".repeat(200_000),
    Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join("\n"),
  ];
  for (const source of sources) {
    const startedMs = performance.now();
    fault(source);
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < 3_000, `${source.slice(0, 20)}: ${tookMs} ms`);
  }
});

Deno.test("a request in YAML is one object", () => {
  assert.deepEqual(object("---\na: 1\n"), { a: 1 });
  assert.throws(
    () => object("a: 1\n---\nb: 2\n"),
    /line 2, column 1: expected a single document/,
  );
  for (const other of ["", "[1]", "a", "# nothing"]) {
    assert.throws(() => object(other), /expected an object/, other);
  }
});

function object(source: string): Record<string, unknown> {
  return runAtOnce(objectFromYaml(source));
}

const word = fc.constantFrom(
  ...["a", "b", ": ", ":", "\n", "\n  ", "- ", "{", "}", "[", "]", ", ", "'", '"', " #", "|", ">"],
  ...["&x ", "*x", "1", "yes", "? ", "!!str ", "\n---\n", "<<: ", "\t", "%", "\\", "\0", "é", "{}"],
);

Deno.test("no stream makes the reader throw anything but its own error", () => {
  const source = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(word).map((words) => words.join("")),
  );
  fc.assert(
    fc.property(source, (text) => {
      try {
        for (const { value, at } of parseManifests(text)) {
          assert.ok(typeof value === "object" && at("a.b[0]").line >= 1);
        }
      } catch (error) {
        assert.ok(error instanceof ManifestError, String(error));
        assert.ok(error.position.line >= 1 && error.position.column >= 1);
      }
    }),
    { numRuns: 1000 },
  );
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    assert.match(fault(bytes), /^(line \d+, column \d+: |none$)/);
  }));
});

Deno.test("an object written as JSON is read back, alone and in a stream", () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue())
    .filter((value) => !JSON.stringify(value).includes("__proto__"));
  fc.assert(fc.property(object, object, (first, second) => {
    const plain = JSON.parse(JSON.stringify([first, second])).map((value: object) => ({
      x: value,
    }));
    const stream = plain.map((value: object) => JSON.stringify(value, null, 2)).join("\n");
    assert.deepEqual(values(stream), plain);
    assert.ok(stream.length < MANIFEST_LIMITS.bytesMax);
  }));
});

Deno.test("fields are found at the same places whether JSON is read as JSON or as YAML", () => {
  const key = fc.constantFrom("a", "b", "a.b", "c[0]", "");
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(1, "x,]}", null, true, '\\"'),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(key, tie("value"), { maxKeys: 3 }),
    ),
  }));
  const part = fc.constantFrom("a", "b", "a.b", "[0]", "[1]", "c[0]", "[a.b]");
  const path = fc.array(part, { maxLength: 5 })
    .map((parts) => parts.join(".").replaceAll(".[", "["));
  fc.assert(
    fc.property(fc.dictionary(key, value), path, fc.nat(2), (object, path, spaces) => {
      const text = JSON.stringify(object, null, spaces);
      const [json] = parseManifests(text);
      const [yaml] = parseManifests(`---\n# not JSON\n!!map ${text}`);
      const { line, column } = yaml!.at(path);
      const lead = line === 3 ? "!!map ".length : 0;
      assert.deepEqual(json!.at(path), { line: line - 2, column: column - lead });
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a list of many wrong objects is walked once in JSON too", () => {
  const filling = "x".repeat(2000);
  const items = Array.from({ length: 1000 }, (_, i) => ({ kind: "Pod", filling, name: `p${i}` }));
  const manifests = parseManifests(JSON.stringify({ kind: "List", items }, null, 1));
  const startedAt = performance.now();
  const lines = manifests.map(({ at }) => at("name").line);
  assert.ok(performance.now() - startedAt < 2_000, "some 50 ms, and 10 s without care");
  assert.deepEqual(lines, manifests.map((_, i) => i * 5 + 7));
});

Deno.test("a list of a thousand wrong objects is read twice, not a thousand times", () => {
  const items = Array.from({ length: 1000 }, (_, i) => `- {kind: Pod, metadata: {name: p${i}}}\n`);
  const manifests = parseManifests(`kind: List\nitems:\n${items.join("")}`);
  const startedAt = performance.now();
  const lines = manifests.map(({ at }) => at("metadata.name").line);
  assert.ok(performance.now() - startedAt < 5_000, "some 100 ms, and 100 s without care");
  assert.deepEqual(lines, manifests.map((_, i) => i + 3));
});
