import assert from "node:assert/strict";
import { storeUrl } from "./store_flags.ts";

const URLS: readonly [text: string, url: ReturnType<typeof storeUrl>][] = [
  ["etcd://10.0.0.1:2379", {
    engine: "etcd",
    endpoints: ["http://10.0.0.1:2379"],
    prefix: "/coracle",
  }],
  ["etcd://a:1,b,[::1]:2/edge/north/", {
    engine: "etcd",
    endpoints: ["http://a:1", "http://b:2379", "http://[::1]:2"],
    prefix: "/edge/north",
  }],
  ["etcds://etcd.example.com", {
    engine: "etcd",
    endpoints: ["https://etcd.example.com:2379"],
    prefix: "/coracle",
  }],
  ["https://kv.example.com/db", { engine: "kv", url: "https://kv.example.com/db" }],
];

for (const [text, url] of URLS) {
  Deno.test(`--store ${text} is understood`, () => assert.deepEqual(storeUrl(text), url));
}

for (
  const text of ["etcd://", "etcd://a:1,", "etcd://a b", "https://", "file:///x", "etcd://a:1:2"]
) {
  Deno.test(`--store "${text}" is refused`, () => {
    assert.throws(() => storeUrl(text), /It must be etcd:/);
  });
}
