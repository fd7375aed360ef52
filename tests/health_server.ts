/**
 * A health service of gRPC that serves whatever is asked for, and writes the names of services into a file:
 *
 *     deno run -A tests/health_server.ts PORT FILE
 */
import { createServer, type ServerHttp2Stream } from "node:http2";

const [port, file] = Deno.args as [string, string];
/** No compression, two bytes: a `HealthCheckResponse` with the status SERVING. */
const SERVING = Uint8Array.of(0, 0, 0, 0, 2, 0x08, 1);
/** Before the name of the service: the head of the message, its field, its length. */
const NAME_AT = 7;

createServer()
  .on("stream", (each) => {
    const stream = each as ServerHttp2Stream; // of a server
    stream.on("data", (bytes: Uint8Array) => {
      const service = new TextDecoder().decode(bytes.subarray(NAME_AT));
      Deno.writeTextFileSync(file, `${service}\n`, { append: true });
    });
    stream.on("end", () => {
      stream.respond(
        { ":status": 200, "content-type": "application/grpc" },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(SERVING);
    });
  })
  .listen(Number(port), "0.0.0.0");
