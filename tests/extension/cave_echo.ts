import type { Stream, StreamParts } from "../../core/api/streams/stream.ts";
import { defineResource } from "../../core/resources/resource.ts";
import { object } from "../../core/schema/schema.ts";

/** A kind with a subresource that is a stream. */
export const caves = defineResource({
  group: "example.com",
  version: "v1",
  kind: "Cave",
  plural: "caves",
  namespaced: true,
  schema: object("What is said in it comes back.", {}),
  subresources: [{ name: "echo", verbs: ["create"] }],
});

/** Sends back whatever comes, in a protocol of its own. */
export function caveEcho({ open }: StreamParts): Stream {
  return {
    subresource: "echo",
    upgrade: ({ socket, head, isCurrent }) => {
      const end = open.open(isCurrent);
      end.signal.addEventListener("abort", () => socket.destroy(), { once: true });
      const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n",
      );
      socket.write(head);
      socket.pipe(socket);
      return closed.then(() => open.close(end));
    },
  };
}
