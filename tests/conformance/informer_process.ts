import { fileURLToPath } from "node:url";
import { eventually } from "../eventually.ts";
import { onPath, runProgram } from "../kubectl.ts";

const PROGRAM = new URL("informer.mjs", import.meta.url);
const PACKAGE = "@kubernetes/client-node";
/** The library's newest needs this Node; the one before runs on older ones. */
const NODE_MAJOR_OF_NEWEST = 22;

/** A program in a process of its own that runs an informer; `lines` is what it was told so far. */
export class InformerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #text = "";

  constructor([program, ...args]: readonly string[], kubeconfig: string, cwd: string) {
    this.#child = new Deno.Command(program!, {
      ...{ args: [...args, kubeconfig], cwd },
      ...{ stdin: "null", stdout: "piped", stderr: "inherit" },
    }).spawn();
    this.#reading = this.#read();
  }

  get lines(): readonly string[] {
    return this.#text.split("\n").slice(0, -1);
  }

  async told(line: string): Promise<void> {
    await eventually(`"${line}" among ${this.#text}`, () => this.lines.includes(line));
  }

  async end(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#text += text;
    }
  }
}

/** What runs the informer on Deno, from the root of the repository. */
export function denoInformer(): readonly string[] {
  return [Deno.execPath(), "run", "-A", fileURLToPath(PROGRAM)];
}

/** What runs the informer on Node, with the library in `folder`; `undefined` when there is no Node or no library. */
export async function nodeInformer(folder: string): Promise<readonly string[] | undefined> {
  const node = onPath("node");
  if (node === undefined) return undefined;
  const { stdout } = await runProgram(node, ["--version"]);
  const isNewest = Number(stdout.match(/^v(\d+)/)?.[1]) >= NODE_MAJOR_OF_NEWEST;
  const dependencies = { [PACKAGE]: isNewest ? "^2.0.1" : "^1.4.0" };
  await Deno.writeTextFile(
    `${folder}/package.json`,
    JSON.stringify({ type: "module", dependencies }),
  );
  const install = new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet", "--node-modules-dir=auto"],
    ...{ cwd: folder, stdout: "null", stderr: "null" },
  });
  if (!(await install.output()).success) return undefined;
  await Deno.copyFile(PROGRAM, `${folder}/informer.mjs`); // it finds the library beside itself
  return [node, `${folder}/informer.mjs`];
}
