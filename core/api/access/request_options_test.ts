/**
 * Every header and query parameter by which kube-apiserver 1.34 would act differently, and what comes of it here: it is
 * acted upon, or refused with words, or harmless to leave out. Nothing by which a request would do more, or as
 * somebody else, is ever passed over. Sources: https://kubernetes.io/docs/reference/kubernetes-api/common-parameters/,
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/delete-options/,
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/
 */
import assert from "node:assert/strict";
import { type ApiFixture, freshApi } from "../api_fixture.ts";

const MAPS = "/api/v1/namespaces/default/configmaps";
const PODS = "/api/v1/namespaces/default/pods";
const WEB = `${MAPS}/web`;
const OTHER_UID = "00000000-0000-4000-8000-000000000000";

/** What a request is answered with, and which of the two ConfigMaps are there afterwards. */
type Outcome = [code: number, message: RegExp, there: string];

async function fixture(): Promise<ApiFixture> {
  const api = await freshApi();
  for (const name of ["db", "web"]) await api.ask("POST", MAPS, { metadata: { name } });
  const spec = { containers: [{ name: "a", image: "b" }] };
  await api.ask("POST", PODS, { metadata: { name: "web" }, spec });
  return api;
}

async function outcome(
  request: { method: string; path: string; body?: unknown; headers?: Record<string, string> },
): Promise<[code: number, message: string, there: string]> {
  const { ask } = await fixture();
  const answer = await ask(request.method, request.path, request.body, request.headers);
  const { message = "" } = await answer.json().catch(() => ({}));
  const { items } = await (await ask("GET", MAPS)).json();
  const names = items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
  return [answer.status, message, names.join(" ")];
}

type Case = [what: string, request: Parameters<typeof outcome>[0], expected: Outcome];

async function check(table: Case[]): Promise<void> {
  for (const [what, request, [code, message, there]] of table) {
    const found = await outcome(request);
    assert.deepEqual([found[0], found[2]], [code, there], `${what}: ${found[1]}`);
    assert.match(found[1], message, what);
  }
}

const BOTH = "db web";

Deno.test("a request that is to be done as somebody else is not done as the sender, by whichever header", async () => {
  const table: [name: string, code: number, why: RegExp][] = [
    ["User", 403, /User "nobody" cannot/],
    ["Group", 500, /requested \[\{Group {2}nobody {4}\}\] without impersonating a user/],
    ["Uid", 500, /requested \[\{UID {2}nobody {2}authentication.k8s.io\/v1 {2}\}\] without/],
    ["Extra-scopes", 500, /\{UserExtra {2}nobody {2}authentication.k8s.io\/v1 {2}scopes\}/],
    ["anything-new", 403, /cannot act as somebody else.*it is unknown/],
  ];
  await check(table.flatMap(([name, code, why]): Case[] =>
    ["GET", "DELETE"].map((method) => [
      `Impersonate-${name}`,
      { method, path: WEB, headers: { [`Impersonate-${name}`]: "nobody" } },
      [code, why, BOTH],
    ])
  ));
});

Deno.test("headers that only a proxy in front may send change nothing", async () => {
  const headers = {
    "x-remote-user": "jane",
    "x-remote-group": "system:masters",
    "x-remote-extra-scopes": "all",
    "x-remote-uid": "1",
    "x-forwarded-user": "jane",
    "x-client-cert": "MII",
    "x-http-method-override": "DELETE",
    "x-original-url": "/api/v1/namespaces/default/configmaps/db",
  };
  const { api, ask } = await fixture();
  const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  const review = await (await ask("POST", path, {}, headers)).json();
  assert.equal(review.status.userInfo.username, "admin");
  assert.equal((await api.app.request(WEB, { headers })).status, 401);
  const answer = await (await ask("GET", WEB, undefined, headers)).json();
  assert.equal(answer.metadata.name, "web");
});

Deno.test("a write that is to be tried is not done, and one that is to be tried in an unknown way is refused", async () => {
  const body = { metadata: { name: "new" } };
  const unknown = /dryRun: Unsupported value: \[("[^"]*",?)+\]: supported values: "All"/;
  const scale = "/apis/apps/v1/namespaces/default/deployments/none/scale";
  await check([
    ["create", { method: "POST", path: `${MAPS}?dryRun=All`, body }, [201, /^$/, BOTH]],
    ["delete", { method: "DELETE", path: `${WEB}?dryRun=All` }, [200, /^$/, BOTH]],
    ["delete, in the body", { method: "DELETE", path: WEB, body: { dryRun: ["All"] } }, [
      200,
      /^$/,
      BOTH,
    ]],
    ["delete all", { method: "DELETE", path: `${MAPS}?dryRun=All` }, [200, /^$/, BOTH]],
    ...["", "all", "true", "Server"].flatMap((value): Case[] => [
      ["create", { method: "POST", path: `${MAPS}?dryRun=${value}`, body }, [422, unknown, BOTH]],
      ["delete", { method: "DELETE", path: `${WEB}?dryRun=${value}` }, [422, unknown, BOTH]],
      ["delete", { method: "DELETE", path: WEB, body: { dryRun: [value] } }, [422, unknown, BOTH]],
      ["delete all", { method: "DELETE", path: `${MAPS}?dryRun=${value}` }, [422, unknown, BOTH]],
      ["binding", {
        method: "POST",
        path: `${PODS}/web/binding?dryRun=${value}`,
        body: { target: { name: "n" } },
      }, [422, unknown, BOTH]],
      ["scale", { method: "PUT", path: `${scale}?dryRun=${value}`, body: {} }, [
        422,
        unknown,
        BOTH,
      ]],
      ["apply", { method: "PUT", path: `/apply?dryRun=${value}`, body: {} }, [422, unknown, BOTH]],
    ]),
    ["both", { method: "POST", path: `${MAPS}?dryRun=All&dryRun=no`, body }, [422, unknown, BOTH]],
  ]);
});

Deno.test("a pod that is bound for a try is not bound", async () => {
  const { ask } = await fixture();
  const body = { target: { name: "node-1" } };
  await ask("POST", `${PODS}/web/binding?dryRun=All`, body);
  const { spec } = await (await ask("GET", `${PODS}/web`)).json();
  assert.equal(spec.nodeName, undefined);
});

Deno.test("a deletion under a condition is not done without it", async () => {
  const remove = (body: unknown, query = "") => ({ method: "DELETE", path: WEB + query, body });
  const differs = /Precondition failed|the UID in the precondition/;
  await check([
    ["uid", remove({ preconditions: { uid: OTHER_UID } }), [409, differs, BOTH]],
    ["uid in the query", { method: "DELETE", path: `${WEB}?uid=${OTHER_UID}` }, [
      409,
      differs,
      BOTH,
    ]],
    ["version", remove({ preconditions: { resourceVersion: "1" } }), [
      409,
      /Precondition|precondition/,
      BOTH,
    ]],
    ["none", remove({ preconditions: {} }), [200, /^$/, "db"]],
    ["uid of a wrong type", remove({ preconditions: { uid: 7 } }), [
      400,
      /preconditions.uid must be a string/,
      BOTH,
    ]],
    ["of a wrong type", remove({ preconditions: OTHER_UID }), [
      400,
      /preconditions must be an object/,
      BOTH,
    ]],
    ["of a wrong type", remove({ preconditions: [{ uid: OTHER_UID }] }), [
      400,
      /preconditions must be an object/,
      BOTH,
    ]],
  ]);
});

Deno.test("what a deletion is to do with dependents, and when, is acted upon or refused", async () => {
  const remove = (query: string, body?: unknown) => ({ method: "DELETE", path: WEB + query, body });
  const contradiction = /orphanDependents and deletionPropagation cannot be both set/;
  const policies =
    /propagationPolicy: Unsupported value: "Never": supported values: "Foreground", "Background", "Orphan", "nil"/;
  const unsafe = /ignoreStoreReadErrorWithClusterBreakingPotential: Invalid value: true/;
  await check([
    ["policy", remove("?propagationPolicy=Never"), [422, policies, BOTH]],
    ["policy", remove("", { propagationPolicy: "Never" }), [422, policies, BOTH]],
    ["old word", remove("?orphanDependents=false"), [200, /^$/, "db"]],
    ["old word", remove("", { orphanDependents: "yes" }), [400, /must be true or false/, BOTH]],
    ["both", remove("?orphanDependents=true&propagationPolicy=Background"), [
      422,
      contradiction,
      BOTH,
    ]],
    ["both", remove("", { orphanDependents: false, propagationPolicy: "Orphan" }), [
      422,
      contradiction,
      BOTH,
    ]],
    ["grace", remove("?gracePeriodSeconds=soon"), [422, /gracePeriodSeconds/, BOTH]],
    ["grace", remove("", { gracePeriodSeconds: {} }), [422, /gracePeriodSeconds/, BOTH]],
    ["unsafe", remove("?ignoreStoreReadErrorWithClusterBreakingPotential=true"), [
      422,
      unsafe,
      BOTH,
    ]],
    ["unsafe", remove("", { ignoreStoreReadErrorWithClusterBreakingPotential: true }), [
      422,
      unsafe,
      BOTH,
    ]],
    ["not unsafe", remove("?ignoreStoreReadErrorWithClusterBreakingPotential=false"), [
      200,
      /^$/,
      "db",
    ]],
  ]);
});

Deno.test("orphanDependents in the query leaves dependents alone", async () => {
  const { ask } = await fixture();
  const answer = await ask("DELETE", `${WEB}?orphanDependents=true`);
  assert.deepEqual((await answer.json()).metadata.finalizers, ["orphan"]);
});

Deno.test("who writes, and how strictly, is acted upon or refused", async () => {
  const body = { metadata: { name: "new" }, nope: 1 };
  const create = (query: string) => ({ method: "POST", path: `${MAPS}?${query}`, body });
  const patch = (type: string, query = "") => ({
    method: "PATCH",
    path: `${WEB}?${query}`,
    body: { data: { a: "b" } },
    headers: { "content-type": type },
  });
  const merge = "application/merge-patch+json";
  await check([
    ["strict", create("fieldValidation=Strict"), [
      400,
      /strict decoding error: unknown field "nope"/,
      BOTH,
    ]],
    ["warn", create("fieldValidation=Warn"), [201, /^$/, "db new web"]],
    ["ignore", create("fieldValidation=Ignore"), [201, /^$/, "db new web"]],
    ["unknown", create("fieldValidation=strict"), [
      422,
      /fieldValidation: Unsupported value/,
      BOTH,
    ]],
    ["too long", create(`fieldManager=${"a".repeat(129)}`), [422, /fieldManager: Too long/, BOTH]],
    ["unprintable", create("fieldManager=a%07b"), [
      422,
      /invalid character U\+0007 \(at position 1\)/,
      BOTH,
    ]],
    ["apply", patch("application/apply-patch+yaml"), [422, /fieldManager: Required value/, BOTH]],
    ["cbor", patch("application/apply-patch+cbor"), [415, /^415: Unsupported Media Type$/, BOTH]],
    ["force", patch(merge, "force=true"), [
      422,
      /force: Forbidden: may not be specified for non-apply patch/,
      BOTH,
    ]],
    ["force", patch(merge, "force=false"), [422, /force: Forbidden/, BOTH]],
    ["merge", patch(merge), [200, /^$/, BOTH]],
  ]);
});

const UNKNOWN_FIELD =
  /"data\.a" is not a known field selector: only "metadata\.name", "metadata\.namespace"/;

Deno.test("which state is listed is acted upon or refused", async () => {
  const list = (query: string) => ({ method: "GET", path: `${MAPS}?${query}` });
  await check([
    ["match", list("resourceVersionMatch=Exact"), [
      422,
      /forbidden unless resourceVersion is provided/,
      BOTH,
    ]],
    ["match", list("resourceVersion=1&resourceVersionMatch=Newest"), [
      422,
      /Unsupported value/,
      BOTH,
    ]],
    ["version", list("resourceVersion=999999"), [504, /Too large resource version/, BOTH]],
    ["version", list("resourceVersion=x"), [400, /resourceVersion: Invalid value/, BOTH]],
    ["initial events", list("sendInitialEvents=true"), [
      422,
      /sendInitialEvents is forbidden for list/,
      BOTH,
    ]],
    ["seconds", list("timeoutSeconds=soon"), [400, /strconv.ParseInt/, BOTH]],
    ["continue", list("continue=x"), [400, /continue/, BOTH]],
    ["selector", list("labelSelector=%3D%3D"), [400, /./, BOTH]],
    ["selector", list("fieldSelector=data.a%3Db"), [400, UNKNOWN_FIELD, BOTH]],
  ]);
});

Deno.test("what is deleted together is what the selectors say", async () => {
  const all = (query: string) => ({ method: "DELETE", path: `${MAPS}?${query}` });
  await check([
    ["field", all("fieldSelector=metadata.name%3Dweb"), [200, /^$/, "db"]],
    ["field", all("fieldSelector=data.a%3Db"), [400, UNKNOWN_FIELD, BOTH]],
    ["label", all("labelSelector=a%3Db"), [200, /^$/, BOTH]],
    ["label", all("labelSelector=%3D%3D"), [400, /./, BOTH]],
  ]);
});

Deno.test("one stream of a log alone is refused, for both would come", async () => {
  const { ask } = await fixture();
  const answer = await ask("GET", `${PODS}/web/log?stream=Stderr`);
  assert.deepEqual([answer.status, /stream: Forbidden/.test((await answer.json()).message)], [
    422,
    true,
  ]);
});

Deno.test("what only changes how an answer looks, or how long it may take, may be left out", async () => {
  const harmless = [
    "pretty=true",
    "timeout=30s",
    "exact=true",
    "export=true",
    "includeUninitialized=true",
  ];
  for (const query of [...harmless, "as=nobody", "impersonate-user=nobody", "access_token=x"]) {
    const { ask } = await fixture();
    const answer = await ask("GET", `${WEB}?${query}`);
    assert.deepEqual([answer.status, (await answer.json()).metadata.name], [200, "web"], query);
  }
});
