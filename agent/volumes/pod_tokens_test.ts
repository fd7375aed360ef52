import assert from "node:assert/strict";
import { settled, VirtualClock } from "../../core/lib/virtual_clock.ts";
import type { Pod } from "../../core/resources/core/pods/pods.ts";
import { type KeptTokens, PodTokens } from "./pod_tokens.ts";

const pod = {
  metadata: { namespace: "default", name: "web", uid: "u1" },
  spec: { serviceAccountName: "robot" },
} as Pod;
const WANTED = { audience: "", expirationSeconds: 3_600 };
const NOW_MS = 1_000_000_000;

function tokenSaying(claims: object): string {
  const text = btoa(JSON.stringify(claims)).replace(/\+/g, "-").replace(/\//g, "_");
  return `x.${text.replace(/=+$/, "")}.y`;
}

function tokens(kept?: KeptTokens) {
  const clock = { nowMs: NOW_MS, now: () => clock.nowMs, after: () => () => {} };
  const asked: object[] = [];
  let fault: Error | undefined;
  const source = {
    requestToken: (account: object, spec: object) => {
      asked.push({ account, ...spec });
      return fault ? Promise.reject(fault) : Promise.resolve(`token ${asked.length}`);
    },
  };
  const under = new PodTokens({ source, clock, ...(kept && { kept }) });
  return {
    under,
    asked,
    pass: (seconds: number) => clock.nowMs += seconds * 1_000,
    fail: (error?: Error) => fault = error,
  };
}

Deno.test("a token is asked for once, bound to the pod, and again after 80 % of its life", async () => {
  const { under, asked, pass } = tokens();
  const both = [under.tokenFor(pod, WANTED, undefined), under.tokenFor(pod, WANTED, undefined)];
  assert.deepEqual(await Promise.all(both), ["token 1", "token 1"]);
  assert.deepEqual(asked, [{
    account: { namespace: "default", name: "robot" },
    audiences: [],
    expirationSeconds: 3_600,
    boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "web", uid: "u1" },
  }]);
  pass(2_879);
  assert.deepEqual(under.podsDue(), []);
  assert.equal(await under.tokenFor(pod, WANTED, undefined), "token 1");
  pass(1);
  assert.deepEqual(under.podsDue(), ["u1"]);
  assert.equal(await under.tokenFor(pod, WANTED, undefined), "token 2");
  assert.deepEqual(under.podsDue(), []);
  under.forget("u1");
  pass(10_000);
  assert.deepEqual(under.podsDue(), []);
});

Deno.test("a token that cannot be renewed is used until its end", async () => {
  const { under, asked, pass, fail } = tokens();
  await under.tokenFor(pod, WANTED, undefined);
  pass(2_900);
  fail(new Error("no answer"));
  assert.equal(await under.tokenFor(pod, WANTED, undefined), "token 1");
  assert.deepEqual(under.podsDue(), [], "tried again in a minute, not at once");
  pass(701);
  await assert.rejects(under.tokenFor(pod, WANTED, undefined), {
    message: "failed to fetch token: no answer",
  });
  assert.equal(asked.length, 3);
});

Deno.test("a token is renewed when the clock is set back, too", async () => {
  const { under, pass } = tokens();
  await under.tokenFor(pod, WANTED, undefined);
  pass(-600);
  assert.deepEqual(under.podsDue(), []);
  pass(-14 * 365 * 86_400);
  assert.deepEqual(under.podsDue(), ["u1"]);
  assert.equal(await under.tokenFor(pod, WANTED, undefined), "token 2");
  assert.deepEqual(under.podsDue(), []);
});

Deno.test("as long as the server's time is not known, a token that seems to be over is better than none", async () => {
  const time = { isKnown: false, nowMs: Date.parse("2040-01-01"), now: () => time.nowMs };
  const source = { time, requestToken: () => Promise.reject(new Error("no answer")) };
  const under = new PodTokens({
    source,
    clock: { now: () => assert.fail("another's clock"), after: () => () => {} },
  });
  const iat = NOW_MS / 1_000;
  const claims = { aud: ["api"], iat, exp: iat + 3_600, "kubernetes.io": { pod: { uid: "u1" } } };
  const shown = tokenSaying(claims);
  assert.equal(await under.tokenFor(pod, WANTED, shown), shown);
  time.isKnown = true;
  time.nowMs += 120_000;
  await assert.rejects(under.tokenFor(pod, WANTED, shown), /failed to fetch token: no answer/);
  time.nowMs = NOW_MS + 3_599_000;
  assert.equal(await under.tokenFor(pod, WANTED, shown), shown);
});

Deno.test("what the volume shows is used after a restart, if it is the pod's own", async () => {
  const iat = NOW_MS / 1_000 - 60;
  const claims = { aud: ["api"], iat, exp: iat + 3_600, "kubernetes.io": { pod: { uid: "u1" } } };
  const table: [object, boolean][] = [
    [claims, true],
    [{ ...claims, "kubernetes.io": { pod: { uid: "u2" } } }, false],
    [{ ...claims, "kubernetes.io": {} }, false],
    [{ ...claims, iat: iat - 3_600, exp: iat }, false],
    [{ ...claims, iat: iat + 7_200, exp: iat + 10_800 }, true],
    [{ ...claims, iat: "x" }, false],
  ];
  for (const [shown, isUsed] of table) {
    const { under, asked } = tokens();
    await under.tokenFor(pod, WANTED, tokenSaying(shown));
    assert.equal(asked.length, isUsed ? 0 : 1, JSON.stringify(shown));
  }
  const { under, asked } = tokens();
  await under.tokenFor(pod, { ...WANTED, audience: "vault" }, tokenSaying(claims));
  for (const text of ["", "x", "a.b.c", "a.bnVsbA.c"]) await under.tokenFor(pod, WANTED, text);
  assert.equal(asked.length, 2);
});

Deno.test("an agent without a server uses what an earlier one has kept, until its end", async () => {
  const known = { token: "kept", podUid: "u1", renewAtMs: NOW_MS - 1, endsAtMs: NOW_MS + 10_000 };
  const { under, pass, fail } = tokens({ get: () => known, keep() {}, forget() {} });
  fail(new Error("no route to host"));
  assert.equal(await under.tokenFor(pod, WANTED, undefined), "kept");
  pass(11);
  await assert.rejects(under.tokenFor(pod, WANTED, undefined), {
    message: "failed to fetch token: no route to host",
  });
});

Deno.test("a pod does not wait for a newer token than one that it can use; its volume shows that later", async () => {
  const clock = new VirtualClock(NOW_MS);
  const answers: ((token: string) => void)[] = [];
  const requestToken = () => new Promise<string>((resolve) => answers.push(resolve));
  const known = { token: "kept", podUid: "u1", renewAtMs: NOW_MS, endsAtMs: NOW_MS + 10_000_000 };
  const under = new PodTokens({
    source: { requestToken },
    clock,
    kept: { get: () => known, keep() {}, forget() {} },
  });
  const first = under.tokenFor(pod, WANTED, undefined);
  await clock.advance(200);
  assert.equal(await first, "kept");
  answers[0]!("new");
  await settled();
  assert.deepEqual(under.podsDue(), ["u1"]);
  assert.equal(await under.tokenFor(pod, WANTED, "kept"), "new");
  assert.deepEqual(under.podsDue(), []);
  assert.equal(answers.length, 1);
  assert.equal(clock.pending, 0);
});

Deno.test("a token lasts as long as it says, not as it was asked for", async () => {
  const iat = NOW_MS / 1_000;
  const kubernetes = { pod: { uid: "u1" }, warnafter: iat + 3_600 };
  const token = tokenSaying({
    aud: ["api"],
    iat,
    exp: iat + 31_536_000,
    "kubernetes.io": kubernetes,
  });
  const clock = new VirtualClock(NOW_MS);
  let requestToken = () => Promise.resolve(token);
  const under = new PodTokens({ source: { requestToken: () => requestToken() }, clock });
  await under.tokenFor(pod, WANTED, undefined);
  requestToken = () => Promise.reject(new Error("no route to host"));
  await clock.advance(7 * 24 * 60 * 60 * 1_000);
  assert.equal(await under.tokenFor(pod, WANTED, undefined), token);
});
