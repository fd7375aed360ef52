/** Indexes of pods of a Job: intervals in rising order that neither meet nor overlap. */
export type IndexSet = readonly Interval[];

interface Interval {
  first: number;
  last: number;
}

/**
 * Reads the text of a status, `1,3-5,7`. What is no number is passed over, and so are indexes from `completions` on:
 * a Job can have got smaller since. Kubernetes: `parseIndexesFromString` in `pkg/controller/job/indexed_job_utils.go`.
 */
export function indexSetIn(text: string, completions: number): IndexSet {
  if (text === "") return [];
  const intervals: Interval[] = [];
  for (const part of text.split(",")) {
    const [first, last = first] = part.split("-").map(Number);
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) continue;
    if (first! >= completions) break;
    intervals.push({ first: first!, last: Math.min(last!, completions - 1) });
  }
  return joined(intervals);
}

export function indexSetOf(indexes: Iterable<number>): IndexSet {
  return joined([...indexes].map((index) => ({ first: index, last: index })));
}

export function union(...sets: readonly IndexSet[]): IndexSet {
  return joined(sets.flat());
}

function joined(intervals: readonly Interval[]): IndexSet {
  const result: Interval[] = [];
  for (const { first, last } of [...intervals].sort((a, b) => a.first - b.first)) {
    const before = result.at(-1);
    if (before === undefined || first > before.last + 1) result.push({ first, last });
    else if (last > before.last) before.last = last;
  }
  return result;
}

/** The text of a status: two neighbours are listed, more are an interval. */
export function indexText(set: IndexSet): string {
  return set.map(({ first, last }) => {
    if (first === last) return String(first);
    return last === first + 1 ? `${first},${last}` : `${first}-${last}`;
  }).join(",");
}

export function sizeOf(set: IndexSet): number {
  return set.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

export function hasIndex(set: IndexSet, index: number): boolean {
  let [from, to] = [0, set.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (set[middle]!.last < index) from = middle + 1;
    else to = middle;
  }
  return from < set.length && set[from]!.first <= index;
}

/** How many indexes are in both. */
export function commonSize(a: IndexSet, b: IndexSet): number {
  let common = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [left, right] = [a[i]!, b[j]!];
    common += Math.max(
      0,
      Math.min(left.last, right.last) - Math.max(left.first, right.first) + 1,
    );
    if (left.last <= right.last) i++;
    else j++;
  }
  return common;
}

/** The first `count` indexes below `completions` that are not in the set. */
export function firstOutside(set: IndexSet, count: number, completions: number): number[] {
  const result: number[] = [];
  let candidate = 0;
  const fill = (end: number) => {
    for (; candidate < end && result.length < count; candidate++) result.push(candidate);
  };
  for (const { first, last } of set) {
    fill(Math.min(first, completions));
    candidate = Math.max(candidate, last + 1);
  }
  fill(completions);
  return result;
}
