/** What a definition may be written with. */
export interface Words {
  readonly keys: readonly { readonly key: string; readonly in: readonly string[]; readonly description: string }[];
  readonly actions: readonly string[];
  /** Names of definitions, for child sagas. */
  readonly definitions: readonly string[];
}

/** What may be written at a place instead of what stands from `from` on. */
export interface Completion {
  readonly from: number;
  readonly options: readonly { readonly text: string; readonly about: string }[];
}

const ACTION = /^\s*(?:- )*(?:command|notify|compensate):\s+([\w.-]*)$/;
const CHILD = /^\s+(?:- )*saga:\s+([\w-]*)$/;
const KEY = /^(\s*(?:- )*)([a-zA-Z]*)$/;
/** Maps with keys of their own. */
const INNER = new Set(["each", "compensate", "sleep", "fail", "end"]);
const OWN = new Set(["defaults", "retry", "start", "schedule"]);
/** Their lists hold values. */
const VALUES = new Set(["also", "never", "sensitive", "input", "labels", "with", "set", "output", "returns"]);
const OPTIONS_MAX = 16;

/**
 * What fits at the caret, by indentation and the lines around it; no parser, so that it works in a text that is not whole.
 * `asked`: somebody wants to see all that fits, not only what begins as what was typed.
 */
export function completionAt(text: string, caret: number, words: Words, asked: boolean): Completion | undefined {
  const start = text.lastIndexOf("\n", caret - 1) + 1;
  const line = text.slice(start, caret);
  const ends = /^[ \t]*(?:\n|$)/.test(text.slice(caret));
  if (!ends) return undefined;
  const value = ACTION.exec(line) ?? undefined;
  if (value !== undefined) return found(caret, value[1] ?? "", plain(words.actions));
  const child = CHILD.exec(line);
  if (child !== null) return found(caret, child[1] ?? "", plain(words.definitions));
  const key = KEY.exec(line);
  if (key === null) return undefined;
  const [, indent = "", typed = ""] = key;
  if (typed === "" && !asked) return undefined;
  const around = {
    before: text.slice(0, start).split("\n").slice(0, -1),
    after: text.slice(caret).split("\n").slice(1),
  };
  const keys = keysAt(indent, around, words);
  return found(
    caret,
    typed,
    keys.map(({ key: name, description }) => ({ text: `${name}: `, about: description })),
  );
}

interface Around {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** The map in which a key would stand. */
interface Place {
  /** It is an item of a list. */
  readonly isItem: boolean;
  /** The key under which it, or its list, stands. */
  readonly parent: string | undefined;
  /** Keys that it has. */
  readonly present: ReadonlySet<string>;
}

function keysAt(indent: string, around: Around, words: Words): Words["keys"] {
  const { isItem, parent = "", present } = mapAt(indent, around);
  const of = (...places: readonly string[]) =>
    words.keys.filter((each) => !present.has(each.key) && each.in.some((place) => places.includes(place)));
  if (indent === "" && !isItem) return of("file");
  if (isItem) {
    if (parent === "choose") return of("in choose");
    return VALUES.has(parent) ? [] : stepKeys(present, words, of);
  }
  if (OWN.has(parent)) return of(parent);
  return INNER.has(parent) ? of(`in ${parent}`) : [];
}

/** Those of its kind; of a step without one, the keys that make a kind, which bear its name. */
function stepKeys(
  present: ReadonlySet<string>,
  words: Words,
  of: (...places: readonly string[]) => Words["keys"],
): Words["keys"] {
  const kinds = words.keys
    .filter(({ key, in: places }) => key !== "step" && places.includes(key))
    .map(({ key }) => key);
  const kind = kinds.find((each) => present.has(each));
  if (kind !== undefined) return of("step", kind);
  return of("step", ...kinds).filter((each) => each.in.includes("step") || each.in.includes(each.key));
}

const LINE = /^(\s*)((?:- +)*)(?:([\w-]+):(?:\s+(.*))?)?/;

function lineOf(text: string) {
  const [, spaces = "", dashes = "", name, rest = ""] = LINE.exec(text) ?? [];
  return { spaces: spaces.length, depth: spaces.length + dashes.length, isItem: dashes !== "", name, rest };
}

function isEmpty(text: string): boolean {
  return /^\s*(?:#.*)?$/.test(text);
}

function mapAt(indent: string, { before, after }: Around): Place {
  const depth = indent.length;
  const present = new Set<string>();
  let item = indent.includes("-") ? indent.indexOf("-") : undefined;
  let parent: string | undefined;
  for (const text of before.toReversed()) {
    if (isEmpty(text)) continue;
    const line = lineOf(text);
    if (item === undefined && line.depth === depth && line.name !== undefined) {
      present.add(line.name);
      if (line.isItem) item = line.spaces;
    } else if (line.name !== undefined && (item === undefined ? line.depth < depth : line.depth <= item)) {
      parent = isEmpty(line.rest) ? line.name : undefined;
      break;
    }
  }
  for (const text of after) {
    if (isEmpty(text)) continue;
    const line = lineOf(text);
    if (line.depth < depth || (line.isItem && line.spaces < depth)) break;
    if (line.depth === depth && line.name !== undefined) present.add(line.name);
  }
  return { isItem: item !== undefined, parent, present };
}

function plain(names: readonly string[]): Completion["options"] {
  return names.map((text) => ({ text, about: "" }));
}

/** What begins as was typed first, then what contains it. Nothing when it stands there already. */
function found(caret: number, typed: string, options: Completion["options"]): Completion | undefined {
  const wanted = typed.toLowerCase();
  const begin = options.filter(({ text }) => text.toLowerCase().startsWith(wanted));
  const contain = options.filter(
    ({ text }) => !begin.some((one) => one.text === text) && text.toLowerCase().includes(wanted),
  );
  const fitting = [...begin, ...contain].slice(0, OPTIONS_MAX);
  if (fitting.length === 0 || (fitting.length === 1 && fitting[0]?.text === typed)) return undefined;
  return { from: caret - typed.length, options: fitting };
}
