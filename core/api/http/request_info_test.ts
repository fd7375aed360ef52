import assert from "node:assert/strict";
import { requestInfoOf } from "./request_info.ts";

Deno.test("what a request is about is told by its method, path and query", () => {
  const table: [line: string, verb: string, about: string, more?: string][] = [
    ["GET /api/v1/pods", "list", "pods"],
    ["HEAD /api/v1/pods", "list", "pods"],
    ["GET /api/v1/pods?watch=true", "watch", "pods"],
    ["GET /api/v1/pods?watch=", "watch", "pods"],
    ["GET /api/v1/pods?watch", "watch", "pods"],
    ["GET /api/v1/pods?watch=0", "list", "pods"],
    ["GET /api/v1/pods?watch=False", "list", "pods"],
    ["GET /api/v1/pods?%77atch=1", "watch", "pods"],
    ["GET /api/v1/pods?watch=0&watch=1", "list", "pods"],
    ["GET /api/v1/watch/pods", "watch", "pods"],
    ["GET /api/v1/watch/nodes/a", "watch", "nodes a"],
    ["GET /api/v1/nodes/a?watch=1", "get", "nodes a"],
    ["HEAD /api/v1/nodes/a", "get", "nodes a"],
    ["POST /apis/apps/v1/namespaces/x/deployments", "create", "x:deployments.apps"],
    ["PUT /apis/apps/v1/namespaces/x/deployments/a", "update", "x:deployments.apps a"],
    ["PATCH /apis/apps/v1/namespaces/x/deployments/a/scale", "patch", "x:deployments.apps/scale a"],
    ["DELETE /api/v1/namespaces/x/pods/a", "delete", "x:pods a"],
    ["DELETE /api/v1/namespaces/x/pods", "deletecollection", "x:pods"],
    ["GET /api/v1/namespaces/x/pods/a/exec?command=ls", "get", "x:pods/exec a"],
    ["POST /api/v1/namespaces/x/pods/a/exec?command=ls", "create", "x:pods/exec a"],
    ["GET /api/v1/pods?fieldSelector=a%3Db", "list", "pods", "a=b"],
    ["GET /api/v1/pods?fieldSelector=a%3Db&fieldSelector=c", "list", "pods", "a=b"],
    ["GET /api/v1/pods?%66ieldSelector=a&fieldSelector=b", "list", "pods", "a"],
    ["DELETE /api/v1/namespaces/x/pods?fieldSelector=a", "deletecollection", "x:pods", "a"],
    ["GET /api/v1/watch/nodes/a?fieldSelector=a", "watch", "nodes a", "a"],
    ["GET /api/v1/nodes/a?fieldSelector=a", "get", "nodes a"],
    ["GET /version", "get", "/version"],
    ["HEAD /version?x=y", "get", "/version"],
    ["POST /apply?dryRun=All", "post", "/apply"],
    ["GET /api/v1", "get", "/api/v1"],
    ["GET /apis/apps/v1/", "get", "/apis/apps/v1/"],
    ["GET /api/../version", "get", "/version"],
    ["GET /api/v1/pods/%zz", "get", "/api/v1/pods/%zz"],
  ];
  for (const [line, verb, about, fieldSelector = ""] of table) {
    const [method, target] = line.split(" ");
    const info = requestInfoOf(method!, `https://x${target}`);
    if (!info.isResource) {
      assert.deepEqual([info.verb, info.path], [verb, about], line);
      continue;
    }
    const { group, resource, subresource, namespace, name } = info;
    const found = `${namespace ? `${namespace}:` : ""}${resource}${group ? `.${group}` : ""}` +
      `${subresource ? `/${subresource}` : ""}${name ? ` ${name}` : ""}`;
    assert.deepEqual([info.verb, found, info.fieldSelector], [verb, about, fieldSelector], line);
  }
});
