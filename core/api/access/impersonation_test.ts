import assert from "node:assert/strict";
import { impersonated, impersonationOf, rightsFor } from "./impersonation.ts";

/** `Name: value` lines. */
function wanted(...lines: string[]) {
  return impersonationOf(lines.flatMap((line) => line.split(": ")));
}

Deno.test("each part of somebody else is a right of its own", () => {
  const asked = wanted(
    "Accept: x",
    "Impersonate-User: system:serviceaccount:kube-system:robot",
    "Impersonate-Group: a",
    "impersonate-group: b",
    "Impersonate-Extra-acme.com%2fproject: p",
    "Impersonate-Uid: 7",
  )!;
  assert.deepEqual(
    rightsFor(asked).map(({ verb, group, resource, subresource, namespace, name }) =>
      [verb, group, resource, subresource, namespace, name].filter(Boolean).join(" ")
    ),
    [
      "impersonate serviceaccounts kube-system robot",
      "impersonate groups a",
      "impersonate groups b",
      "impersonate authentication.k8s.io userextras acme.com/project p",
      "impersonate authentication.k8s.io uids 7",
    ],
  );
  assert.deepEqual(impersonated(asked), {
    name: "system:serviceaccount:kube-system:robot",
    groups: ["a", "b", "system:authenticated"],
    uid: "7",
    extra: { "acme.com/project": ["p"] },
  });
});

Deno.test("groups are those that are said, or else those that the user has anyway", () => {
  const table: [string[], string[]][] = [
    [["jane"], ["system:authenticated"]],
    [["jane", "system:unauthenticated"], ["system:unauthenticated"]],
    [["jane", "system:masters"], ["system:masters", "system:authenticated"]],
    [["system:anonymous"], ["system:unauthenticated"]],
    [
      ["system:serviceaccount:a:b"],
      ["system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"],
    ],
    [["system:serviceaccount:a:b", "c"], ["c", "system:authenticated"]],
    [["system:serviceaccount:a:b:c"], ["system:authenticated"]],
  ];
  for (const [[user, ...groups], expected] of table) {
    const lines = groups.map((group) => `Impersonate-Group: ${group}`);
    assert.deepEqual(impersonated(wanted(`Impersonate-User: ${user}`, ...lines)!).groups, expected);
  }
});

Deno.test("a request without such headers is its sender's, and an unknown one is refused", () => {
  assert.equal(wanted("If-Match: x", "accept: y", "X-Impersonate-User: z"), undefined);
  assert.equal(impersonationOf([]), undefined);
  assert.throws(() => wanted("Impersonate-Users: x"), /by the header "Impersonate-Users"/);
  assert.throws(() => rightsFor(wanted("Impersonate-Group: x")!), /without impersonating a user/);
});
