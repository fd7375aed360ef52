/**
 * Sends raw frames that ordinary programs cannot send, through `eth0` of the network namespace in which it runs:
 *
 *     raw_frames.ts router-advertisement           an IPv6 router and prefix (RFC 4861)
 *     raw_frames.ts packet SOURCE DESTINATION      a UDP packet to port 9
 */
import { parseIpv4 } from "../../core/lib/addresses/ipv4.ts";
import { cString, Libc } from "../../core/lib/linux/libc.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const TYPE = { ipv4: 0x0800, ipv6: 0x86dd } as const;

if (import.meta.main) {
  const [kind, source, destination] = Deno.args;
  const frame = kind === "packet"
    ? framed(TYPE.ipv4, "ff:ff:ff:ff:ff:ff", udpPacket(source!, destination!))
    : framed(TYPE.ipv6, "33:33:00:00:00:01", routerAdvertisement());
  send(frame);
}

function send(frame: Uint8Array<ArrayBuffer>): void {
  const libc = Libc.open()!;
  const { calls } = libc;
  const socket = libc.must(calls.socket(AF_PACKET, SOCK_RAW, 0), "open a packet socket");
  const address = new Uint8Array(20); // struct sockaddr_ll
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setInt32(4, calls.if_nametoindex(cString("eth0")), true);
  libc.must(calls.bind(socket, address, address.length), "choose the device");
  libc.must(calls.send(socket, frame, BigInt(frame.length), 0), "send");
  calls.close(socket);
}

function framed(type: number, to: string, packet: Uint8Array): Uint8Array<ArrayBuffer> {
  const mac = (text: string) => text.split(":").map((byte) => parseInt(byte, 16));
  return new Uint8Array([
    ...mac(to),
    ...mac("02:00:00:00:00:66"),
    type >> 8,
    type & 0xff,
    ...packet,
  ]);
}

/** From fe80::66 to all nodes: a router for 60 s, and addresses of 2001:db8:bad::/64. */
function routerAdvertisement(): Uint8Array {
  const [source, all] = ["fe80".padEnd(30, "0") + "66", "ff02".padEnd(31, "0") + "1"]
    .map((hex) => Uint8Array.fromHex(hex));
  const prefix = Uint8Array.fromHex("20010db80bad".padEnd(32, "0"));
  const body = new Uint8Array([
    134,
    0,
    0,
    0,
    64,
    0,
    0,
    60,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    3,
    4,
    64,
    0xc0,
    0,
    0,
    0,
    120,
    0,
    0,
    0,
    120,
    0,
    0,
    0,
    0,
    ...prefix,
  ]);
  const pseudo = [...source!, ...all!, 0, 0, 0, body.length, 0, 0, 0, 58];
  new DataView(body.buffer).setUint16(2, checksum([...pseudo, ...body]));
  return new Uint8Array([0x60, 0, 0, 0, 0, body.length, 58, 255, ...source!, ...all!, ...body]);
}

function udpPacket(source: string, destination: string): Uint8Array {
  const head = new Uint8Array(20);
  const view = new DataView(head.buffer);
  head.set([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17]);
  view.setUint32(12, parseIpv4(source)!);
  view.setUint32(16, parseIpv4(destination)!);
  view.setUint16(10, checksum([...head]));
  return new Uint8Array([...head, 0, 9, 0, 9, 0, 8, 0, 0]); // without a UDP checksum
}

/** RFC 1071. */
function checksum(bytes: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) + (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
