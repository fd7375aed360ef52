/** A change of one line that alters what it means. */
export interface LineMutant {
  /** Counted from 1. */
  line: number;
  was: string;
  /** `undefined`: the line is dropped. */
  becomes: string | undefined;
  /** How many lines `becomes` replaces; 1 when absent. */
  lines?: number;
}

/** Two sort keys of a comparator: `a.x - b.x || a.y - b.y`. Their order is swapped. */
const SORT_KEYS = /(?<=\=> |return )[^|&?;]+ - [^|&?;]+ \|\| [^|&?;]+ - [^|&?;)]+/g;

/** Replacements; each occurrence is a mutant of its own. The blanks are those of `deno fmt`, and exclude generics. */
const SWAPS: readonly (readonly [search: RegExp, replace: string | ((found: string) => string)])[] =
  [
    [/ < /g, " <= "],
    [/ <= /g, " < "],
    [/ > /g, " >= "],
    [/ >= /g, " > "],
    [/ === /g, " !== "],
    [/ !== /g, " === "],
    [/ && /g, " || "],
    [/ \|\| /g, " && "],
    [SORT_KEYS, (found) => found.split(" || ").toReversed().join(" || ")],
    [/\.(?:sort|toSorted|toReversed|reverse)\(\)/g, ""],
    [/ - /g, " + "],
    [/ \+ /g, " - "],
    [/\bMath\.min\b/g, "Math.max"],
    [/\bMath\.max\b/g, "Math.min"],
    [/\bMath\.ceil\b/g, "Math.floor"],
    [/\bMath\.floor\b/g, "Math.ceil"],
    [/\btrue\b/g, "false"],
    [/\bfalse\b/g, "true"],
    [/\bsome\(/g, "every("],
    [/\bevery\(/g, "some("],
    [/(?<=[(\s!])!(?=[\w(])/g, ""],
    [
      /(?<![\w."-]|\| -?)\d[\d_]*(?![\w."]| \|(?!\|))/g,
      (found) => String(Number(found.replaceAll("_", "")) + 1),
    ],
  ];

/** A statement on a line of its own that can be dropped without a syntax error. */
const DROPPABLE =
  /^\s+(?!(?:return|const|let|case|default|import|export|type)\b)[\w#"'`[(!+-].*;(?: \/\/.*)?$/;
/** A part of a sort key on a line of its own, such as `-restarts,`. It changes places with the next. */
const SORT_KEY_LINE = /^\s+(?:-|Number\()[^;]*,$/;
const GUARD = /^\s+if \(.*\) (?:return|continue|break|throw)\b.*;$/;

/**
 * All mutants of a source text, line by line: a comparison, a connective, a sign or a bound changed, a statement or a
 * guard dropped. Comments, imports, types, and the words of texts are left alone.
 */
export function mutantsOf(text: string): LineMutant[] {
  const masked = maskedLines(text);
  const lines = text.split("\n");
  return lines.flatMap((was, index) => {
    const code = masked[index]!;
    if (!isCode(code)) return [];
    const swapped: LineMutant[] = swapsIn(was, code)
      .map((becomes) => ({ line: index + 1, was, becomes }));
    const next = masked[index + 1] ?? "";
    if (SORT_KEY_LINE.test(code) && SORT_KEY_LINE.test(next) && isWhole(code) && isWhole(next)) {
      const becomes = `${lines[index + 1]}\n${was}`;
      swapped.push({ line: index + 1, was, becomes, lines: 2 });
    }
    const stands = DROPPABLE.test(code) && isWhole(code) || GUARD.test(code);
    return stands ? [...swapped, { line: index + 1, was, becomes: undefined }] : swapped;
  });
}

/** The text with the mutant applied. */
export function withMutant(text: string, { line, becomes, lines = 1 }: LineMutant): string {
  return text.split("\n").toSpliced(line - 1, lines, becomes ?? "").join("\n");
}

function swapsIn(was: string, code: string): string[] {
  return SWAPS.flatMap(([search, replace]) =>
    [...code.matchAll(search)].map(({ 0: found, index }) => {
      const put = typeof replace === "string" ? replace : replace(found);
      return was.slice(0, index) + put + was.slice(index + found.length);
    })
  );
}

function isCode(line: string): boolean {
  return !/^\s*(?:import|export (?:type|interface)|type|interface|\*|\/\*|\/\/)|^\s*[\w"]+\??: [\w[\]|" ]+;$/
    .test(line);
}

/** Whether the line is a whole statement, not the end of a longer one. */
function isWhole(line: string): boolean {
  let depth = 0;
  for (const sign of line) {
    if ("([{".includes(sign)) depth++;
    if (")]}".includes(sign) && --depth < 0) return false;
  }
  return depth === 0 && !/^\s*[.?:]/.test(line);
}

/** The lines with the insides of texts and comments blanked, at the same columns; what a template computes is code. */
function maskedLines(text: string): string[] {
  const piece = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|[`}]|\{/gm;
  const open: ("template" | "block")[] = [];
  let masked = "";
  let at = 0;
  for (let found = piece.exec(text); found !== null; found = piece.exec(text)) {
    const [part] = found;
    masked += text.slice(at, found.index);
    at = found.index;
    if (part === "{") open.push("block");
    else if (part === "`" || (part === "}" && open.pop() === "template")) {
      piece.lastIndex = endOfText(text, at + 1);
      const inside = text.slice(at + 1, piece.lastIndex);
      if (inside.endsWith("${")) open.push("template");
      masked += blank(part + inside);
      at = piece.lastIndex;
    } else if (part !== "}") {
      masked += part[0] === '"' ? `"${blank(part.slice(1, -1))}"` : part.replace(/[^\n]/g, " ");
      at += part.length;
    }
  }
  return (masked + text.slice(at)).replace(TYPES, (found) => found.replace(/[^\n]/g, " "))
    .split("\n");
}

/** An interface, or the definition of a type, whole. */
const TYPES = /^(?:export )?interface [^\n]*\{\n[\s\S]*?^\}|^(?:export )?type [\s\S]*?;$(?!\n +)/gm;

/** The end of a template's text: behind the next `${` or the closing backtick. */
function endOfText(text: string, from: number): number {
  const end = /\\[\s\S]|\$\{|`/g;
  end.lastIndex = from;
  for (let found = end.exec(text); found !== null; found = end.exec(text)) {
    if (found[0][0] !== "\\") return end.lastIndex;
  }
  return text.length;
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, "·");
}
