import { HttpImages } from "../../core/client/images/http_images.ts";
import { messageOf } from "../../core/lib/error_message.ts";
import { type Node, nodes } from "../../core/resources/core/nodes/nodes.ts";
import { CommandError } from "../../server/command_error.ts";
import type { Terminal } from "../../server/terminal.ts";
import { type NodeServer, withNodeServer } from "../nodes/node_server.ts";
import { type ArchivedImage, readImageArchive } from "./image_archive.ts";
import { type Progress, pushImage } from "./image_push.ts";
import { openImageSource } from "./image_source.ts";

export interface PushFlags {
  kubeconfig?: string;
  /** Names of nodes; absent: all that the selector fits. */
  node?: string[];
  selector?: string;
  /** In place of the name in the archive. */
  name?: string;
}

/** Sends the images of an archive to nodes, one node after another. Fails when one of them could not be sent. */
export async function pushToNodes(
  from: string,
  flags: PushFlags,
  terminal: Terminal,
): Promise<void> {
  await using source = await openImageSource(from);
  const images = namedImages(await readImageArchive(source, from), flags.name);
  await withNodeServer(flags, "image", async (server) => {
    const targets = await targetsOf(server, flags);
    const faults: string[] = [];
    for (const target of targets) {
      for (const image of images) {
        await pushed(image, target, { server, terminal })
          .catch((error) => {
            terminal.signal.throwIfAborted();
            faults.push(`${target.metadata.name}: ${messageOf(error)}`);
          });
      }
    }
    if (faults.length > 0) throw new CommandError(`Cannot push to ${faults.join("; ")}`);
  });
}

interface NamedImage extends ArchivedImage {
  name: string;
}

function namedImages(images: readonly ArchivedImage[], name: string | undefined): NamedImage[] {
  if (name !== undefined && images.length > 1) {
    throw new CommandError("Cannot give one name to several images: the archive has more than one");
  }
  return images.flatMap((image) => {
    const names = name === undefined ? image.names : [name];
    if (names.length === 0) {
      throw new CommandError("Cannot push an image without a name: give it one with --name");
    }
    return names.map((one) => ({ ...image, name: one }));
  });
}

async function targetsOf(
  server: NodeServer,
  { node: names, selector }: PushFlags,
): Promise<Node[]> {
  const query: Record<string, string> = selector === undefined ? {} : { labelSelector: selector };
  const all = await server.list(nodes, { query });
  const unknown = names?.filter((name) => !all.some(({ metadata }) => metadata.name === name)) ??
    [];
  if (unknown.length > 0) {
    throw new CommandError(
      `Cannot find the node "${unknown.join('", "')}"; see "coracle node list"`,
    );
  }
  const targets = names ? all.filter(({ metadata }) => names.includes(metadata.name)) : all;
  if (targets.length === 0) throw new CommandError(`No node has the labels "${selector}"`);
  return targets;
}

async function pushed(
  image: NamedImage,
  { metadata: { name: node }, status: { nodeInfo: { architecture } } }: Node,
  { server, terminal }: { server: NodeServer; terminal: Terminal },
): Promise<void> {
  const files = await image.filesFor(architecture);
  if (!files) throw new Error(`${image.name} is not there for ${architecture}`);
  const { signal } = terminal;
  const images = new HttpImages({ send: server.send, node, signal });
  let last: Progress | undefined;
  const onProgress = (progress: Progress) => {
    if (terminal.interactive) terminal.out(`\r${node}: ${shownOf(progress)} `);
    last = { ...progress };
  };
  const { clock } = server;
  const names = await pushImage(image.name, files, { images, clock, signal, onProgress });
  if (terminal.interactive) terminal.out("\r");
  terminal.out(`${node}: ${names.join(", ") || image.name} is there; ${shownOf(last!)}\n`);
}

function shownOf({ files, bytes, sentBytes }: Progress): string {
  const megabytes = (count: number) => (count / 1e6).toFixed(1);
  return `sent ${megabytes(sentBytes)} of ${megabytes(bytes)} MB in ${files} files`;
}
