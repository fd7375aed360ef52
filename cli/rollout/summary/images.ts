/** An image, and which parts run it. */
export interface Image {
  image: string;
  tags: string[];
}

/** Each image once with all its tags, by name. */
export function mergedImages(all: readonly Image[]): Image[] {
  const merged = new Map<string, string[]>();
  for (const { image, tags } of all) {
    const known = merged.get(image);
    // One that only one part runs keeps the order of its tags.
    const together = known === undefined ? tags : [...new Set([...known, ...tags])].sort();
    merged.set(image, together);
  }
  return [...merged].map(([image, tags]) => ({ image, tags }))
    .sort((a, b) => a.image < b.image ? -1 : 1);
}
