import assert from "node:assert/strict";
import { DEFAULT_SETTINGS, settingCauses, settingsOf } from "./settings.ts";

Deno.test("annotations become settings; what is not said is the default", () => {
  assert.deepEqual(settingsOf(undefined), DEFAULT_SETTINGS);
  assert.deepEqual(settingsOf({ "example.com/allow-backslash": "true" }), DEFAULT_SETTINGS);
  const all = {
    "coracle.dev/allow-encoded-slash": "true",
    "coracle.dev/allow-backslash": "true",
    "coracle.dev/allow-encoded-null": "false",
    "coracle.dev/trusted-proxies": "10.0.0.0/8, 2001:db8::7,",
    "coracle.dev/head-bytes-max": "65536",
    "coracle.dev/stream-idle-timeout": "1h30m",
  };
  assert.deepEqual(settingCauses(all), []);
  assert.deepEqual(settingsOf(all), {
    allowsEncodedSlash: true,
    allowsBackslash: true,
    allowsEncodedNull: false,
    trustedProxies: ["10.0.0.0/8", "2001:db8::7"],
    headBytesMax: 65_536,
    streamIdleMs: 5_400_000,
  });
});

Deno.test("what cannot be understood is named, and stays the default where it was stored before", () => {
  const wrong: [name: string, value: string][] = [
    ["allow-encoded-slash", "yes"],
    ["allow-encoded-slash", ""],
    ["trusted-proxies", "10.0.0.0/8 192.0.2.1"],
    ["trusted-proxies", "proxy.example.com"],
    ["trusted-proxies", new Array(65).fill("10.0.0.1").join(",")],
    ["head-bytes-max", "65537"],
    ["head-bytes-max", "100"],
    ["head-bytes-max", "64Ki"],
    ["stream-idle-timeout", "0s"],
    ["stream-idle-timeout", "25h"],
    ["stream-idle-timeout", "10"],
  ];
  for (const [name, value] of wrong) {
    const annotations = { [`coracle.dev/${name}`]: value };
    const [cause, ...more] = settingCauses(annotations);
    assert.equal(cause?.field, `metadata.annotations[coracle.dev/${name}]`, value);
    assert.match(cause!.message, /^Invalid value: /);
    assert.deepEqual(more, []);
    assert.deepEqual(settingsOf(annotations), DEFAULT_SETTINGS);
  }
});
