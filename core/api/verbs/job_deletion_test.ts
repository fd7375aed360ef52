import assert from "node:assert/strict";
import { freshApi } from "../api_fixture.ts";

const JOBS = "/apis/batch/v1/namespaces/default/jobs";
const template = {
  spec: { restartPolicy: "Never", containers: [{ name: "a", image: "b" }] },
};
const WARNING =
  "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

// https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup
for (
  const [options, finalizers, isWarned] of [
    [undefined, ["orphan"], true],
    [{ propagationPolicy: "Orphan" }, ["orphan"], false],
    [{ propagationPolicy: "Foreground" }, ["foregroundDeletion"], false],
    [{ propagationPolicy: "Background" }, undefined, false],
  ] as const
) {
  Deno.test(`a Job that is deleted with ${JSON.stringify(options)}`, async () => {
    const api = await freshApi();
    await api.ask("POST", JOBS, { metadata: { name: "pi" }, spec: { template } });
    const answer = await api.ask("DELETE", `${JOBS}/pi`, options);
    assert.equal(answer.status, 200);
    const warning = answer.headers.get("warning");
    assert.equal(warning?.includes(WARNING) ?? false, isWarned, String(warning));
    const left = await api.ask("GET", `${JOBS}/pi`);
    const { metadata } = await left.json();
    assert.deepEqual(left.status === 200 ? metadata.finalizers : undefined, finalizers);
    if (left.status !== 200) return;
    await api.ask("DELETE", `${JOBS}/pi`);
    const again = await (await api.ask("GET", `${JOBS}/pi`)).json();
    assert.deepEqual(again.metadata.finalizers, finalizers, "what was decided stays");
  });
}
