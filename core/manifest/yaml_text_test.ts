import assert from "node:assert/strict";
import { parse } from "yaml";
import { Random } from "../lib/random.ts";
import { yamlItem, yamlText } from "./yaml_text.ts";

Deno.test("YAML is written with sorted keys, flush sequences and blocks of lines", () => {
  const value = {
    kind: "Status",
    message: "406: Not Acceptable\n\nAvailable",
    data: { n: "123", t: "true", m: "a\nb\n", e: "", on: "y", "2": "x: y" },
    items: [{ b: 1, a: [[1], {}] }, "text"],
    none: null,
  };
  assert.equal(
    yamlText(value),
    [
      "data:",
      '  "2": "x: y"',
      '  e: ""',
      "  m: |",
      "    a",
      "    b",
      '  "n": "123"',
      '  "on": "y"',
      '  t: "true"',
      "items:",
      "- a:",
      "  - - 1",
      "  - {}",
      "  b: 1",
      "- text",
      "kind: Status",
      "message: |-",
      "  406: Not Acceptable",
      "",
      "  Available",
      "none: null",
      "",
    ].join("\n"),
  );
  assert.equal(yamlItem({ b: [], a: { c: 1 } }), "- a:\n    c: 1\n  b: []\n");
});

Deno.test("every text is read back as it was, by YAML 1.1 and 1.2", () => {
  const random = new Random(7);
  const pieces = [
    ..."ab1-:#,[]{}&*!|>'\"%@`?=~<. \t\n\r\\\0\u007f\u0085\u2028\ufeff\ud83d\ude00yn",
  ];
  const texts = [
    "<<",
    "=",
    "~",
    ".inf",
    "1e3",
    "0x1",
    "1:20",
    "a: b",
    "a #b",
    "- a",
    "No",
    "a\n\n",
  ];
  for (let count = 0; count < 250; count++) {
    const length = 1 + Math.floor(random.next() * 7);
    texts.push(
      Array.from({ length }, () => pieces[Math.floor(random.next() * pieces.length)]).join(""),
    );
  }
  const value = texts.map((text) => ({ [text]: text, list: [text, [text]] }));
  const wanted = JSON.stringify(value.map((one) => Object.entries(one).sort()));
  for (const version of ["1.1", "1.2"] as const) {
    const read = parse(yamlText(value), { version, merge: false }) as typeof value;
    assert.equal(JSON.stringify(read.map((one) => Object.entries(one).sort())), wanted);
  }
});
