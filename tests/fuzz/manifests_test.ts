import assert from "node:assert/strict";
import fc from "fast-check";
import { stringify } from "yaml";
import { JsonError, parseJson, Utf8Error } from "../../core/lib/json/json_text.ts";
import { MANIFEST_LIMITS, ManifestError, parseManifests } from "../../core/manifest/manifest.ts";
import { hostileText, jsonValue } from "./json_values.ts";
import { property } from "./property.ts";

const DEPLOYMENT = `# a comment
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web, "x/y": 'z'}
spec:
  replicas: 3
  template:
    spec: &pod
      containers:
      - name: a
        image: a:1
        command: ["sh", -c, |-
          echo hello
          exit 0
        ]
        env: &env
        - {name: A, value: !!str 1}
        - {name: B, value: "\\u0041\\n"}
      - <<: {name: b}
        image: >
          folded
          text
---
apiVersion: v1
kind: ConfigMap
metadata: {name: m}
data:
  k: yes
  t: 0o17
  again: *env
...
`;
const JSON_MANIFEST =
  '{"apiVersion":"v1","kind":"List","items":[{"kind":"ConfigMap","data":{"a":"\\u0041\\"b"}}]}\n{"a":1e5}\n';

const piece = fc.oneof(
  fc.constantFrom(
    "\n",
    "\r\n",
    "\r",
    "\t",
    " ",
    "  ",
    "- ",
    ": ",
    "? ",
    "#",
    "---\n",
    "...\n",
    "&a ",
    "*a ",
    "<<: ",
    "!!str ",
  ),
  fc.constantFrom(
    "|",
    ">",
    "|2-",
    "'",
    '"',
    "\\",
    "[",
    "]",
    "{",
    "}",
    ",",
    "%YAML 1.1\n",
    "!",
    "@",
    "`",
    "\ufeff",
    "\u2028",
    "\x85",
    "\0",
    "\x07",
  ),
  fc.constantFrom(
    "a",
    "a: 1\n",
    "kind: Pod\n",
    "[[[[[[",
    "{a: ",
    "- - - ",
    "&b [*a,*a]",
    "__proto__: 1\n",
    "1_0",
    ".inf",
    "~",
    "items:\n",
  ),
  hostileText,
);

const damaged = fc.tuple(
  fc.constantFrom(
    DEPLOYMENT,
    DEPLOYMENT.replaceAll("\n", "\r\n"),
    JSON_MANIFEST,
    "\ufeff" + JSON_MANIFEST,
  ),
  fc.array(fc.tuple(fc.nat({ max: 1_000 }), fc.nat({ max: 20 }), piece), {
    minLength: 1,
    maxLength: 4,
  }),
).map(([text, damages]) =>
  damages.reduce((text, [at, length, by]) => {
    const start = at % text.length;
    return text.slice(0, start) + by + text.slice(start + length);
  }, text)
);
const composed = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));

property("any text is a stream of manifests, or is refused at a place that it has", {
  share: 6_000,
  of: fc.oneof(damaged, composed),
  holds: assertRead,
});

property("a small piece a thousand times over holds nobody up", {
  share: 500,
  of: fc.tuple(
    fc.array(piece, { minLength: 1, maxLength: 4 }),
    fc.integer({ min: 1, max: 4_000 }),
    fc.constantFrom("", "a: ", "- "),
  ).map(
    ([pieces, times, before]) => before + pieces.join("").repeat(times).slice(0, 4_000),
  ),
  holds: assertRead,
});

property("any bytes are a stream of manifests and a body of JSON, or are refused", {
  share: 3_000,
  of: fc.tuple(
    fc.oneof(damaged, composed),
    fc.array(fc.tuple(fc.nat({ max: 2_000 }), fc.nat({ max: 255 })), { maxLength: 4 }),
  ).map(
    ([text, changes]) => {
      const bytes = new TextEncoder().encode(text);
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      return bytes;
    },
  ),
  holds(bytes) {
    refusedOr(() => parseManifests(bytes));
    try {
      parseJson(bytes, { depthMax: 64, valuesMax: 50_000 });
    } catch (error) {
      assert.ok(error instanceof JsonError || error instanceof Utf8Error, String(error));
    }
  },
});

const object = fc.dictionary(
  fc.oneof(fc.constantFrom("a", "metadata", "spec"), hostileText),
  jsonValue(),
  {
    minKeys: 1,
    maxKeys: 6,
    noNullPrototype: true,
  },
).filter((value) => !String(value["kind"]).endsWith("List"))
  .map((value): Record<string, unknown> => JSON.parse(JSON.stringify(value)));

property("JSON means as a manifest what it means as JSON, and every field has its place", {
  share: 3_000,
  of: fc.array(object, { minLength: 1, maxLength: 3 }),
  holds(objects) {
    const text = objects.map((object) => JSON.stringify(object, null, 2)).join("\n");
    if (text.includes("\\ud800")) return void refusedOr(() => parseManifests(text));
    const manifests = parseManifests(text);
    assert.deepEqual(manifests.map(({ value }) => value), objects);
    for (const { value, position, at } of manifests) {
      assertPlace(text, position);
      for (const name of Object.keys(value)) assertPlace(text, at(name));
    }
  },
});

property("what a library writes as YAML is read as it was", {
  share: 2_000,
  of: object,
  holds(object) {
    const text = stringify(object, {
      version: "1.1",
      defaultStringType: "QUOTE_DOUBLE",
      defaultKeyType: "QUOTE_DOUBLE",
    });
    if (JSON.stringify(object).includes("\\ud800")) return;
    assert.deepEqual(parseManifests(text).map(({ value }) => value), [object]);
  },
});

const bomb = fc.record({
  levels: fc.integer({ min: 1, max: 12 }),
  width: fc.integer({ min: 1, max: 12 }),
  sort: fc.constantFrom("list", "map", "merge"),
});

property("bombs of aliases are refused, and what is not too large is read", {
  share: 300,
  of: bomb,
  holds({ levels, width, sort }) {
    const lines = Array.from({ length: levels }, (_, level) => {
      const inner = level === 0 ? "x" : `*b${level - 1}`;
      const items = Array.from(
        { length: width },
        (_, i) => sort === "list" ? inner : `k${level}_${i}: ${inner}`,
      );
      if (sort === "list") return `b${level}: &b${level} [${items.join(", ")}]`;
      const merge = sort === "merge" && level > 0 ? `<<: *b${level - 1}, ` : "";
      return `b${level}: &b${level} {${merge}${items.join(", ")}}`;
    });
    const manifests = refusedOr(() => parseManifests(lines.join("\n") + "\n"));
    if (manifests === undefined) return;
    assert.ok(JSON.stringify(manifests[0]!.value).length < 100 * MANIFEST_LIMITS.aliasedValuesMax);
  },
});

property("what is nested too deep is refused, however it is written", {
  share: 300,
  of: fc.tuple(
    fc.constantFrom("[", "{a: ", '{"a":', "- ", "? ", "a:\n", "&a [", "!!map {a: ", "[{"),
    fc.integer({ min: 70, max: 2_000 }),
  ),
  holds([open, times]) {
    const text = open === "a:\n"
      ? Array.from({ length: Math.min(times, 200) }, (_, depth) => `${" ".repeat(depth)}a:\n`).join(
        "",
      )
      : open.repeat(times);
    assert.throws(
      () =>
        parseManifests(
          `x: ${open === "- " || open === "? " || open === "a:\n" ? "\n" : ""}${text}`,
        ),
      ManifestError,
    );
  },
});

function assertRead(text: string): void {
  for (const { value, position, at } of refusedOr(() => parseManifests(text), text) ?? []) {
    assert.equal(typeof value, "object");
    assertPlace(text, position);
    for (const name of Object.keys(value)) assertPlace(text, at(name));
    assertPlace(text, at("spec.template.spec.containers[0].env[7].x"));
    JSON.stringify(value);
  }
}

function assertPlace(text: string, { line, column }: { line: number; column: number }): void {
  const lines = text.split("\n");
  assert.ok(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`);
  assert.ok(
    column >= 1 && column <= lines[line - 1]!.length + 1,
    `column ${column} of line ${line}`,
  );
}

function refusedOr<T>(read: () => T, text?: string): T | undefined {
  try {
    return read();
  } catch (error) {
    assert.ok(
      error instanceof ManifestError,
      error instanceof Error ? `${error.stack}` : String(error),
    );
    assert.match(error.message, /^line \d+, column \d+: /);
    if (text !== undefined) assertPlace(text, error.position);
    return undefined;
  }
}
