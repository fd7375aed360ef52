import assert from "node:assert/strict";
import { cString } from "./libc.ts";

Deno.test("a text with a NUL is none for C, which would see another one", () => {
  assert.deepEqual([...cString("é")], [0xc3, 0xa9, 0]);
  assert.throws(() => cString("/data\0/x"), /unexpected NUL character in "\/data\\u0000\/x"/);
});
