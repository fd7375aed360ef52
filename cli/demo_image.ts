import { fileURLToPath } from "node:url";
import type { LocalImage } from "../agent/runtimes/runtime_type.ts";
import { DEMO_PORT } from "./demo_web.ts";

const SERVE = `mkdir -p /tmp/www && echo "$VERSION" > /tmp/www/index.html && ` +
  `exec httpd -f -p ${DEMO_PORT} -h /tmp/www`;

/** What a pod's web server may do: answer on the network and read what the demo sets for it. */
const WEB_FLAGS = [
  "--frozen",
  "--no-remote",
  "--no-prompt",
  "--allow-net",
  "--allow-env=POD_IP,VERSION,HOME,XDG_DATA_HOME",
  "--allow-sys",
];

/** The image that `examples/canary.yaml` names: a web server that answers with its `$VERSION`. */
export function demoImage(): LocalImage {
  const program = Deno.build.standalone
    ? [Deno.execPath()]
    : [Deno.execPath(), "run", ...WEB_FLAGS, fileURLToPath(Deno.mainModule)];
  return {
    reference: "localhost/coracle-demo:1",
    entrypoint: ["/bin/sh", "-c", SERVE],
    // busybox's httpd keeps nothing and, as the first process, would not hear SIGTERM.
    stopSignal: "SIGKILL",
    program: {
      command: [...program, "demo-web"],
      title: "a small web server of Coracle's own",
    },
  };
}
