/** The processes whose command line names one of the paths, or something below it. */
export async function processesNaming(paths: readonly string[]): Promise<readonly number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => ""); // it has ended
    const words = line.split("\0");
    const isNamed = paths.some((path) =>
      words.some((word) => word === path || word.startsWith(`${path}/`))
    );
    if (isNamed) found.push(Number(name));
  }
  return found;
}
