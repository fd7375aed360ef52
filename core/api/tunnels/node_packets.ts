import type { StreamKind } from "../../client/tunnel/tunnel.ts";
import { PacketSender, packetsIn } from "../../lib/mux/packets.ts";
import type { PacketSwitch } from "../../traffic/far/packet_switch.ts";

/** Streams that carry the IP packets of a node's pods to those of others, and back. The newest one of a node counts. */
export function nodePackets(node: string, packets: PacketSwitch): StreamKind {
  return {
    kind: "packets",
    async answer(stream) {
      const sender = new PacketSender((bytes) => stream.write(bytes));
      const port = packets.connect(node, (packet) => sender.send(packet));
      try {
        for await (const packet of packetsIn(stream.bytes)) port.take(packet);
      } finally {
        port.close();
      }
    },
  };
}
