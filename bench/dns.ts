import { HEADER_BYTES, TYPE } from "../agent/dns/messages/codes.ts";
import { questionBytes } from "../agent/dns/messages/question_bytes.ts";
import { wordAt } from "../agent/dns/messages/query.ts";
import { DatagramSocket } from "../core/lib/linux/datagrams.ts";
import { fileURLToPath } from "node:url";
import type { Bench, Measurement } from "./harness.ts";
import { cpuSecondsOf, usageOf } from "./processes.ts";
import { median, spread } from "./statistics.ts";

const SERVICES = 1_000;
const QUESTIONS = 120_000;
const WARM_UP = 20_000;
/** Each is a pod of its own to the server, which hears so and so many questions of one. */
const CLIENTS = 12;
/** Questions of a client that are under way. */
const WINDOW = 8;
const ADDRESS = "127.0.0.1";
const LOST_MS = 500;

/** What answers, and on which port. */
interface Contender {
  name: string;
  port: number;
  start(): Deno.ChildProcess;
}

interface Round {
  cpuUs: number;
  perSecond: number;
  rssBytes: number;
}

export const dns: Measurement = {
  name: "dns",
  title: `DNS: ${SERVICES} Services; addresses, no data and no such name in turn`,
  needs: [{ program: "dnsmasq", package: "dnsmasq-base" }],
  async run(bench: Bench) {
    const folder = await Deno.makeTempDir({ prefix: "coracle-bench-dns-" });
    bench.defer(() => Deno.remove(folder, { recursive: true }));
    const contenders = [coracle(), await dnsmasq(folder)];
    const rounds = await bench.interleave<Round>(
      bench.rounds(5),
      Object.fromEntries(contenders.map((each) => [each.name, () => measured(each)])),
    );
    return {
      columns: ["", "CPU a query, µs", "queries a second", "memory, MB"],
      rows: Object.entries(rounds).map(([name, all]) => [
        name,
        spread(all.map(({ cpuUs }) => cpuUs), 1),
        String(Math.round(median(all.map(({ perSecond }) => perSecond)))),
        String(Math.round(median(all.map(({ rssBytes }) => rssBytes)) / 2 ** 20)),
      ]),
      notes: ["The client shares the machine with the server."],
    };
  },
};

function coracle(): Contender {
  const port = 5_391;
  return {
    name: "Coracle",
    port,
    start: () => {
      const script = fileURLToPath(new URL("./dns_server.ts", import.meta.url));
      const args = ["run", "-A", "--no-check", script, ADDRESS, String(port), String(SERVICES)];
      return new Deno.Command(Deno.execPath(), { args, stdout: "null" }).spawn();
    },
  };
}

async function dnsmasq(folder: string): Promise<Contender> {
  const port = 5_392, hosts = `${folder}/hosts`;
  const lines = Array.from(
    { length: SERVICES },
    (_, i) => `10.96.${i >> 8}.${i & 255} s${i}.default.svc.cluster.local\n`,
  );
  await Deno.writeTextFile(hosts, lines.join(""));
  const args = [
    ...["--keep-in-foreground", "--no-resolv", "--no-hosts", "--bind-interfaces", "--user=root"],
    ...[`--addn-hosts=${hosts}`, `--port=${port}`, `--listen-address=${ADDRESS}`],
    ...["--local=/cluster.local/", `--pid-file=${folder}/pid`, "--conf-file=/dev/null"],
  ];
  return { name: "dnsmasq", port, start: () => new Deno.Command("dnsmasq", { args }).spawn() };
}

async function measured({ port, start }: Contender): Promise<Round> {
  const child = start();
  try {
    while (!await answers(port)) await new Promise((resolve) => setTimeout(resolve, 50));
    await ask(port, WARM_UP);
    const [cpuBefore, startMs] = [cpuSecondsOf([child.pid]), performance.now()];
    await ask(port, QUESTIONS);
    const seconds = (performance.now() - startMs) / 1000;
    const cpuUs = (cpuSecondsOf([child.pid]) - cpuBefore) * 1e6 / QUESTIONS;
    return { cpuUs, perSecond: QUESTIONS / seconds, rssBytes: usageOf([child.pid]).rssBytes };
  } finally {
    child.kill("SIGTERM");
    await child.status;
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: ADDRESS, port: 0 });
  const timer = setTimeout(() => socket.close(), 200);
  try {
    await socket.send(questionOf(0, 0), { transport: "udp", hostname: ADDRESS, port });
    await socket.receive();
    socket.close();
    return true;
  } catch {
    return false; // not yet
  } finally {
    clearTimeout(timer);
  }
}

/** Asks `count` questions, some at a time; resolves when all are answered. Rejects for a wrong answer. */
async function ask(port: number, count: number): Promise<void> {
  const each = Math.ceil(count / CLIENTS);
  await Promise.all(
    Array.from({ length: CLIENTS }, (_, i) => askAs(`127.0.0.${i + 2}`, port, each)),
  );
}

async function askAs(address: string, port: number, count: number): Promise<void> {
  const socket = DatagramSocket.open(address, 0)!;
  const to = new Uint8Array(16);
  new DataView(to.buffer).setUint16(0, 2, true);
  new DataView(to.buffer).setUint16(2, port);
  to.set(ADDRESS.split(".").map(Number), 4);
  let asked = 0, answered = 0;
  const next = () => socket.send(to, questionOf(asked, asked++));
  for (let i = 0; i < WINDOW; i++) next();
  // What gets lost is asked for again.
  const again = setInterval(next, LOST_MS);
  while (answered < count) {
    await socket.wait();
    const received = socket.receive();
    for (let i = 0; i < received; i++) {
      answered++;
      check(socket.datagram(i));
      if (asked < count) next();
    }
  }
  clearInterval(again);
  socket.close();
}

/** An address, an address of the other family, and a name that there is not. */
function questionOf(index: number, id: number): Uint8Array {
  const name = `${index % 3 === 2 ? "x" : "s"}${index % SERVICES}.default.svc.cluster.local`;
  const type = index % 3 === 1 ? TYPE.AAAA : TYPE.A;
  return questionBytes({ name, type }, id & 0xffff)!;
}

function check(answer: Uint8Array): void {
  const id = wordAt(answer, 0), [code, answers] = [wordAt(answer, 2) & 15, wordAt(answer, 6)];
  if (answer.length < HEADER_BYTES) throw new Error("an answer is cut off");
  // 65,536 is one more than a multiple of three: of ids that came round, only the sum of kinds is known.
  if (id < 3 && (code !== (id === 2 ? 3 : 0) && answers !== (id === 0 ? 1 : 0))) {
    throw new Error(`a wrong answer: code ${code}, ${answers} answers`);
  }
}
