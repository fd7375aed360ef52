import assert from "node:assert/strict";
import { SystemClock } from "../lib/clock.ts";
import { freshApi } from "./api_fixture.ts";
import { apiAsker } from "./in_process.ts";

const SERVICES = "/api/v1/namespaces/default/services";

Deno.test("a part of the server asks its API without a credential; nobody else can", async () => {
  const { api } = await freshApi();
  const ask = apiAsker(api, new SystemClock());
  const { signal } = new AbortController();
  const { code, body } = await ask(SERVICES, signal);
  assert.equal(code, 200);
  assert.equal((body as { kind: string }).kind, "ServiceList");
  const absent = await ask(
    "/apis/custom.metrics.k8s.io/v1beta1/namespaces/default/pods/*/x",
    signal,
  );
  assert.equal(absent.code, 404);
  const headers = { insider: "admin", "x-insider": "admin" };
  assert.equal((await api.app.request(SERVICES, { headers })).status, 401);
});
