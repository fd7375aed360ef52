import assert from "node:assert/strict";
import { createHmac, createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { VirtualClock } from "../../../lib/virtual_clock.ts";
import { freshApi } from "../../api_fixture.ts";
import { type Claims, ISSUER, tokenOf } from "./account_token.ts";
import { AccountTokens, KNOWN_MAX } from "./account_tokens.ts";
import { secretTokenOf } from "./secret_token.ts";
import { newSigningKey, SigningKey } from "./signing_key.ts";
import { Random } from "../../../lib/random.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts";
const PODS = "/api/v1/namespaces/default/pods";
const WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

async function cluster() {
  const clock = new VirtualClock(NOW);
  const fixture = await freshApi({ clock });
  const { ask, objects, api } = fixture;
  await ask("POST", ACCOUNTS, { metadata: { name: "robot" } });
  const spec = { serviceAccountName: "robot", containers: [{ name: "a", image: "b" }] };
  await ask("POST", PODS, { metadata: { name: "web" }, spec });
  /** What the account is told that asks who it is. */
  const who = async (token: string) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const answer = await api.app.request(WHO, { method: "POST", headers, body: "{}" });
    const { status, message } = await answer.json();
    return [answer.status, status?.userInfo ?? message];
  };
  const request = async (spec: object, account = "robot") => {
    const answer = await ask("POST", `${ACCOUNTS}/${account}/token`, { spec });
    const body = await answer.json();
    return { code: answer.status, body, token: body.status?.token as string };
  };
  const review = async (spec: object) => {
    const path = "/apis/authentication.k8s.io/v1/tokenreviews";
    return (await (await ask("POST", path, { spec })).json()).status;
  };
  return { ...fixture, clock, who, request, review, objects };
}

const TO_WEB = { boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "web" } };

Deno.test("a token names its account, with its groups, its uid and the pod", async () => {
  const { request, who, ask } = await cluster();
  const { code, body, token } = await request(TO_WEB);
  assert.equal(code, 201);
  assert.equal(body.status.expirationTimestamp, "2026-01-01T01:00:00Z");
  assert.deepEqual(body.spec.audiences, [ISSUER]);
  const account = await (await ask("GET", `${ACCOUNTS}/robot`)).json();
  const pod = await (await ask("GET", `${PODS}/web`)).json();
  const [, info] = await who(token);
  assert.equal(info.username, "system:serviceaccount:default:robot");
  assert.equal(info.uid, account.metadata.uid);
  assert.deepEqual(info.groups, [
    "system:serviceaccounts",
    "system:serviceaccounts:default",
    "system:authenticated",
  ]);
  assert.deepEqual(info.extra["authentication.kubernetes.io/pod-uid"], [pod.metadata.uid]);
  assert.match(info.extra["authentication.kubernetes.io/credential-id"][0], /^JTI=/);
});

Deno.test("a token ends with its pod, its account, its time", async () => {
  const ends: [string, (c: Awaited<ReturnType<typeof cluster>>) => unknown, string][] = [
    ["pod", ({ ask }) => ask("DELETE", `${PODS}/web`), "token has been invalidated"],
    ["account", ({ ask }) => ask("DELETE", `${ACCOUNTS}/robot`), '"robot" not found'],
    ["another pod", async ({ ask }) => {
      await ask("DELETE", `${PODS}/web`);
      const spec = { containers: [{ name: "a", image: "b" }] };
      await ask("POST", PODS, { metadata: { name: "web" }, spec });
    }, "does not match service account pod ref claim"],
    ["another account", async ({ ask }) => {
      await ask("DELETE", `${ACCOUNTS}/robot`);
      await ask("POST", ACCOUNTS, { metadata: { name: "robot" } });
    }, "does not match claim"],
    ["time", ({ clock }) => clock.advance(3_661_000), "token has expired"],
  ];
  for (const [what, end, why] of ends) {
    const c = await cluster();
    const { token } = await c.request(TO_WEB);
    assert.equal((await c.who(token))[0], 201, what);
    await end(c);
    assert.deepEqual(await c.who(token), [401, "Unauthorized"], what);
    assert.match((await c.review({ token })).error, new RegExp(why), what);
  }
});

Deno.test("a token is for its audience only", async () => {
  const { request, who, review } = await cluster();
  const { token } = await request({ audiences: ["vault"] });
  assert.equal((await who(token))[0], 401);
  const here = await review({ token });
  assert.equal(
    here.error,
    `[invalid bearer token, token audiences ["vault"] is invalid for the target audiences ["${ISSUER}"]]`,
  );
  assert.equal(here.authenticated, undefined);
  const there = await review({ token, audiences: ["vault", "other"] });
  assert.deepEqual([there.authenticated, there.audiences], [true, ["vault"]]);
});

Deno.test("the token that pods get by themselves lives longer than it says, and no other", async () => {
  const { request, who, clock } = await cluster();
  const { token } = await request({ ...TO_WEB, expirationSeconds: 3_607 });
  const { token: plain } = await request({ expirationSeconds: 3_607 });
  await clock.advance(2 * 3_600_000);
  assert.equal((await who(token))[0], 201);
  assert.equal((await who(plain))[0], 401);
});

Deno.test("requests that no token is given for", async () => {
  const { request, ask } = await cluster();
  const bound = (ref: object) => ({ boundObjectRef: { apiVersion: "v1", ...ref } });
  const table: [object, number, RegExp][] = [
    [{ expirationSeconds: 599 }, 422, /may not specify a duration less than 10 minutes/],
    [{ expirationSeconds: 2 ** 32 + 1 }, 422, /larger than 2\^32 seconds/],
    [bound({ kind: "Pod", name: "gone" }), 404, /pods "gone" not found/],
    [bound({ kind: "Pod", name: "web", uid: "x" }), 409, /UID in the bound object reference \(x\)/],
    [bound({ kind: "Secret", name: "gone" }), 404, /secrets "gone" not found/],
    [bound({ kind: "Node", name: "gone" }), 404, /nodes "gone" not found/],
    [bound({ kind: "ConfigMap", name: "x" }), 400, /cannot bind token to object of type/],
  ];
  for (const [spec, code, why] of table) {
    const answer = await request(spec);
    assert.equal(answer.code, code, JSON.stringify(spec));
    assert.match(answer.body.message, why);
  }
  const other = await request(TO_WEB, "default");
  assert.match(other.body.message, /running with different serviceaccount name/);
  assert.equal((await request({}, "nobody")).code, 404);
  assert.equal((await ask("GET", `${ACCOUNTS}/robot/token`)).status, 405);
});

const key = new SigningKey(newSigningKey());

function part(value: unknown): string {
  return btoa(JSON.stringify(value)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

Deno.test("what only looks like a token of ours names nobody", async () => {
  const { objects } = await freshApi({ clock: new VirtualClock(NOW) });
  const { store } = objects;
  const tokens = new AccountTokens({
    store,
    key,
    clock: new VirtualClock(NOW),
    random: new Random(1),
  });
  const account = objects.list({ plural: "serviceaccounts", group: "" } as never, "default")[0]!
    .object as never;
  const good = tokens.issue({ account, audiences: [ISSUER], expirationSeconds: 600 }).token;
  const [head, body, signature] = good.split(".") as [string, string, string];
  const claims = JSON.parse(new TextDecoder().decode(
    Uint8Array.fromBase64(body, { alphabet: "base64url" }),
  )) as Claims;
  const isGood = (token: string) => {
    const verdict = tokens.verdictOn(token);
    return verdict !== undefined && "user" in verdict;
  };
  assert.ok(isGood(good));
  const stranger = new SigningKey(newSigningKey());
  const hmac = (text: string) =>
    createHmac("sha256", key.publicPem).update(text).digest("base64url");
  const hs = `${part({ alg: "HS256", kid: key.id })}.${body}`;
  const claimsHead = part({ alg: "ES256", kid: stranger.id });
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const rs = `${part({ alg: "RS256", kid: key.id })}.${body}`;
  const forged: Record<string, string> = {
    "alg none": `${part({ alg: "none" })}.${body}.`,
    "alg none with a signature": `${part({ alg: "none", kid: key.id })}.${body}.${signature}`,
    "HS256 with the public key": `${hs}.${hmac(hs)}`,
    "RS256 with a key of its own": `${rs}.${
      sign(
        "sha256",
        new TextEncoder().encode(rs),
        createPrivateKey(privateKey.export({
          type: "pkcs8",
          format: "pem",
        }) as string),
      ).toString("base64url")
    }`,
    "another key under our id": `${head}.${body}.${stranger.sign(`${head}.${body}`)}`,
    "another key by its own id": tokenOf(claims, stranger),
    "our signature under another id": `${claimsHead}.${body}.${key.sign(`${claimsHead}.${body}`)}`,
    "a key in the head": `${part({ alg: "ES256", jwk: stranger.jwk })}.${body}.${signature}`,
    "a kid that is a path": `${part({ alg: "ES256", kid: "../../dev/null" })}.${body}.${signature}`,
    "a critical extension": `${part({ alg: "ES256", crit: ["x"], x: 1 })}.${body}.${signature}`,
    "another body": `${head}.${part({ ...claims, sub: "system:admin" })}.${signature}`,
    "another issuer": tokenOf({ ...claims, iss: "https://evil" }, key),
    "an audience more": tokenOf({ ...claims, aud: ["x"] }, key),
    "not yet": tokenOf({ ...claims, nbf: NOW / 1_000 + 3_600 }, key),
    "a signature in DER": `${head}.${body}.${"MEUCIQ".padEnd(96, "A")}`,
    "no signature": `${head}.${body}.AA`,
    "four parts": `${good}.x`,
    "a padded part": `${head}=.${body}.${signature}`,
    "a body that is no object": `${head}.${part([1])}.${key.sign(`${head}.${part([1])}`)}`,
    "a long one": `${head}.${"a".repeat(20_000)}.${signature}`,
    "the last bits changed": good.slice(0, -1) + (good.endsWith("A") ? "B" : "A"),
  };
  for (const [what, token] of Object.entries(forged)) assert.ok(!isGood(token), what);
});

Deno.test("what is known of signatures is bounded", () => {
  assert.ok(KNOWN_MAX <= 10_000);
});

Deno.test("the token that a Secret holds is good for the API while Secret and account are there", async () => {
  const { ask, who, review, objects, clock } = await cluster();
  const SECRET = "/api/v1/namespaces/default/secrets";
  const key = new SigningKey(newSigningKey());
  const tokens = new AccountTokens({ store: objects.store, key, clock, random: new Random(2) });
  const account = await (await ask("GET", `${ACCOUNTS}/robot`)).json();
  const metadata = {
    name: "held",
    annotations: { "kubernetes.io/service-account.name": "robot" },
  };
  const token = secretTokenOf(account, { metadata } as never, key); // only its name counts
  const type = "kubernetes.io/service-account-token";
  const put = (token: string, labels = {}) =>
    ask("PUT", `${SECRET}/held`, {
      metadata: { ...metadata, labels },
      type,
      data: { token: btoa(token) },
    });
  const verdict = () => tokens.verdictOn(token);
  assert.deepEqual(verdict(), { refused: "Token has been invalidated" });
  await ask("POST", SECRET, { metadata, type, data: { token: btoa(token) } });
  assert.deepEqual(verdict(), {
    user: {
      name: "system:serviceaccount:default:robot",
      uid: account.metadata.uid,
      groups: ["system:serviceaccounts", "system:serviceaccounts:default"],
    },
    audiences: [ISSUER],
  });
  assert.match(JSON.stringify(tokens.verdictOn(token, ["vault"])), /is invalid for the target/);
  await put(`${token}x`);
  assert.deepEqual(verdict(), { refused: "Token does not match server's copy" });
  await put(token, { "kubernetes.io/legacy-token-invalid-since": "2025-01-01" });
  assert.match(JSON.stringify(verdict()), /has been marked invalid/);
  await put(token);
  assert.ok("user" in verdict()!);
  await ask("DELETE", `${ACCOUNTS}/robot`);
  await ask("POST", ACCOUNTS, { metadata: { name: "robot" } });
  assert.match(JSON.stringify(verdict()), /ServiceAccount UID .* does not match claim/);
  // Signed by another key, or issued for something else, it is nobody's.
  const other = secretTokenOf(account, { metadata } as never, new SigningKey(newSigningKey()));
  assert.equal(tokens.verdictOn(other), undefined);
  assert.equal((await who(token))[0], 401, "this server's key is another one");
  assert.equal((await review({ token })).authenticated, undefined);
});
