import assert from "node:assert/strict";
import {
  formatImageReference,
  isLoopbackRegistry,
  parseImageReference,
} from "./image_reference.ts";

const HEX = "0123456789abcdef".repeat(4);

Deno.test("an image is written out in full", () => {
  const table: Record<string, string> = {
    "nginx": "docker.io/library/nginx:latest",
    "nginx:1.25": "docker.io/library/nginx:1.25",
    "grafana/grafana": "docker.io/grafana/grafana:latest",
    "docker.io/nginx": "docker.io/library/nginx:latest",
    "quay.io/a/b/c:v1": "quay.io/a/b/c:v1",
    "localhost/web:2": "localhost/web:2",
    "localhost:5000/web": "localhost:5000/web:latest",
    "127.0.0.1:5000/x/web:1": "127.0.0.1:5000/x/web:1",
    [`nginx@sha256:${HEX}`]: `docker.io/library/nginx@sha256:${HEX}`,
    [`nginx:1@sha256:${HEX}`]: `docker.io/library/nginx@sha256:${HEX}`,
  };
  for (const [image, full] of Object.entries(table)) {
    assert.equal(formatImageReference(parseImageReference(image)), full);
  }
});

Deno.test("what is no image is refused in the kubelet's words", () => {
  for (
    const image of ["", "UPPER", "a b", "web:", "web:-x", "-web", "a//b", "web@sha256:12", "x/"]
  ) {
    assert.throws(() => parseImageReference(image), {
      reason: "InvalidImageName",
      message: new RegExp(`^Failed to apply default image tag .*invalid reference format`),
    }, image);
  }
  assert.throws(
    () => parseImageReference("Web"),
    /repository name \(library\/Web\) must be lowercase$/,
  );
});

Deno.test("only registries of this machine count as loopback", () => {
  const isLoopback = (image: string) => isLoopbackRegistry(parseImageReference(image));
  assert.ok(isLoopback("localhost:5000/a") && isLoopback("127.0.0.1:5000/a"));
  assert.ok(!isLoopback("nginx") && !isLoopback("127.0.0.1.example.com/a"));
});
