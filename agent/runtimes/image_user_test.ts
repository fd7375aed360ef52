import assert from "node:assert/strict";
import { ConfigError } from "./config_error.ts";
import { checkImageUser } from "./image_user.ts";

const NAMED = { podUid: "u1", podName: "web", podNamespace: "shop", name: "main" };

function refusalOf(imageUser: string, security: object = { runAsNonRoot: true }): string {
  try {
    checkImageUser({ ...NAMED, security }, imageUser);
    return "";
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
}

const AS_ROOT = "container has runAsNonRoot and image will run as root " +
  '(pod: "web_shop(u1)", container: main)';

Deno.test("a container that must not run as root is refused when its image would", () => {
  for (const user of ["", "0", "0:0", "00"]) assert.equal(refusalOf(user), AS_ROOT, user);
});

Deno.test("the name of a user proves nothing", () => {
  assert.equal(
    refusalOf("nginx:nginx"),
    "container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user is " +
      'non-root (pod: "web_shop(u1)", container: main)',
  );
});

Deno.test("a number other than 0 will do, and so does a user of the pod's own", () => {
  for (const user of ["1000", "1000:0"]) assert.equal(refusalOf(user), "", user);
  assert.equal(refusalOf("", { runAsNonRoot: true, runAsUser: 5 }), "");
});

Deno.test("without runAsNonRoot every image may run", () => {
  for (const user of ["", "0", "nginx"]) assert.equal(refusalOf(user, {}), "", user);
});
