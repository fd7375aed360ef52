import assert from "node:assert/strict";
import type { Secret } from "../../core/resources/core/secrets.ts";
import { entriesOf } from "./registry_credentials.ts";

const LOGIN = { username: "ada", password: "a:b" };
const AUTH = btoa("ada:a:b");

Deno.test("both types of pull secrets are read, with the login in either form", () => {
  const auths = {
    "https://index.docker.io/v1/": { auth: AUTH, username: "ignored", password: "ignored" },
    "http://registry.io:5000/v2/team": { ...LOGIN, email: "ada@example.com" },
    "*.example.com": { auth: AUTH },
  };
  const expected = ["index.docker.io", "registry.io:5000/team", "*.example.com"]
    .map((place) => ({ place, credentials: LOGIN }));
  assert.deepEqual(entriesOf(wrapped({ auths, credHelpers: {} })), expected);
  assert.deepEqual(entriesOf(secret("kubernetes.io/dockercfg", ".dockercfg", auths)), expected);
});

Deno.test("what is no pull secret has no credentials", () => {
  const auths = { "registry.io": LOGIN };
  assert.deepEqual(entriesOf(secret("Opaque", ".dockerconfigjson", { auths })), []);
  assert.deepEqual(entriesOf(secret("toString", ".dockerconfigjson", { auths })), []);
  assert.deepEqual(entriesOf(secret("kubernetes.io/dockercfg", "other", auths)), []);
  assert.deepEqual(entriesOf(wrapped({})), []);
  assert.deepEqual(entriesOf(wrapped({ auths: { "": LOGIN, "a b": LOGIN, "u@h": LOGIN } })), []);
});

Deno.test("a secret that cannot be read is named, and nothing of it is said", () => {
  const hostile = [
    '{"auths":{"registry.io":{"password":"hunter2"',
    [],
    { auths: ["hunter2"] },
    { auths: { "registry.io": "hunter2" } },
    { auths: { "registry.io": { password: ["hunter2"] } } },
    { auths: { "registry.io": { auth: "hunter2!" } } },
    { auths: { "registry.io": { auth: btoa("hunter2") } } },
  ];
  for (const content of hostile) {
    assert.throws(() => entriesOf(wrapped(content)), (error: Error) => {
      assert.match(error.message, /^the pull secret "login" /);
      assert.doesNotMatch(error.message, /hunter2|aHVudGVy/);
      return true;
    });
  }
});

function wrapped(content: unknown): Secret {
  return secret("kubernetes.io/dockerconfigjson", ".dockerconfigjson", content);
}

function secret(type: string, key: string, content: unknown): Secret {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return { metadata: { name: "login" }, type, data: { [key]: btoa(text) } } as unknown as Secret;
}
