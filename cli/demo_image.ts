import { fileURLToPath } from "node:url";
import type { LocalImage } from "../agent/runtimes/runtime_type.ts";
import { DEMO_PORT } from "./demo_web.ts";

/** Where somebody wants errors, a program answers in place of the file: its process numbers go up one by one. */
const FAILING = `#!/bin/sh
[ $(($$ % $FAIL_ONE_IN)) -eq 0 ] && printf "Status: 500 Internal Server Error\\r\\n"
printf "Content-Type: text/plain\\r\\n\\r\\n%s\\n" "$VERSION"
`;

const SERVE = `mkdir -p /tmp/www/cgi-bin && ` +
  `if [ -n "$FAIL_ONE_IN" ]; then printf '%s' "$FAILING" > /tmp/www/cgi-bin/index.cgi && ` +
  `chmod +x /tmp/www/cgi-bin/index.cgi; else echo "$VERSION" > /tmp/www/index.html; fi && ` +
  `exec httpd -f -p ${DEMO_PORT} -h /tmp/www`;

/** What a pod's web server may do: answer on the network and read what the demo sets for it. */
const WEB_FLAGS = [
  "--frozen",
  "--no-remote",
  "--no-prompt",
  "--allow-net",
  "--allow-env=POD_IP,VERSION,FAIL_ONE_IN,HOME,XDG_DATA_HOME",
  "--allow-sys",
];

/** The image that the examples name: a web server that answers with its `$VERSION`, and `$FAIL_ONE_IN` times with an error. */
export function demoImage(): LocalImage {
  const program = Deno.build.standalone
    ? [Deno.execPath()]
    : [Deno.execPath(), "run", ...WEB_FLAGS, fileURLToPath(Deno.mainModule)];
  return {
    reference: "localhost/coracle-demo:1",
    entrypoint: ["/bin/sh", "-c", `FAILING='${FAILING}'\n${SERVE}`],
    // busybox's httpd keeps nothing and, as the first process, would not hear SIGTERM.
    stopSignal: "SIGKILL",
    program: {
      command: [...program, "demo-web"],
      title: "a small web server of Coracle's own",
    },
  };
}
