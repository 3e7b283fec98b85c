import {
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  type ParsedNode,
  visit,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import type { Position } from "../core/definition.ts";
import type { Findings } from "./findings.ts";

/** A definition larger than this is refused before it is parsed. */
const SOURCE_BYTES_MAX = 256 * 1024;
/** Nodes and pairs from the root; a `choose` within a `choose` adds six. */
const DEPTH_MAX = 200;

/** A YAML file: its tree, and the line and column of an offset. */
export interface YamlDocument {
  readonly source: string;
  readonly root: ParsedNode | null;
  position(offset: number): Position;
}

/**
 * Reads YAML 1.2 (core schema, one document). Anchors, aliases, merge keys and tags are refused: a saga is read top to
 * bottom, and a tag is usually an unquoted `!x`. Only the first syntax error is reported, the rest are its echo.
 * Undefined when anything was found.
 */
export function readYaml(source: string, findings: Findings): YamlDocument | undefined {
  if (new TextEncoder().encode(source).byteLength > SOURCE_BYTES_MAX) {
    const hint = "Split the saga, or move work into a domain's steps.";
    findings.error("definition.too-large", { line: 1, column: 1 }, "the file is larger than 256 KiB", hint);
    return undefined;
  }
  const lines = new LineCounter();
  const parsed = parseTree(source, lines);
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const nul = source.indexOf("\u0000");
  if (nul >= 0) {
    // Also in a comment: the source is kept, and PostgreSQL's text cannot hold it.
    findings.error("definition.yaml-syntax", position(nul), "the file holds a NUL character", "Save it as UTF-8 text.");
    return undefined;
  }
  if (parsed === undefined) {
    findings.error("definition.yaml-syntax", { line: 1, column: 1 }, "the file is nested too deep", "Flatten it.");
    return undefined;
  }
  const document: YamlDocument = { source, root: parsed.contents, position };
  const [first] = parsed.errors;
  if (first !== undefined) reportSyntax(document, first, findings);
  else if (parsed.contents !== null) refuseIndirection(document, parsed.contents, findings);
  return findings.hasErrors ? undefined : document;
}

/** Undefined: thousands of brackets exhausted the parser's stack. */
function parseTree(source: string, lineCounter: LineCounter) {
  try {
    return parseDocument(source, {
      lineCounter,
      keepSourceTokens: true,
      prettyErrors: false,
      strict: true,
      version: "1.2",
      schema: "core",
      merge: false,
      // The library compares every key with every other; a hostile file would take minutes. We look ourselves.
      uniqueKeys: false,
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function refuseIndirection(document: YamlDocument, root: Node, findings: Findings): void {
  visit(root, {
    Node(_key, node, path) {
      const offset = node.range?.[0] ?? 0;
      if (path.length > DEPTH_MAX) {
        findings.error(
          "definition.yaml-syntax",
          document.position(offset),
          "the file is nested too deep",
          "Flatten it.",
        );
        return visit.BREAK;
      }
      if (node.tag !== undefined) {
        reportTag(document, node.tag, offset, findings);
      } else if (isAlias(node) || node.anchor !== undefined) {
        // The node's range begins behind its anchor.
        const from = node.anchor === undefined ? offset : document.source.lastIndexOf(`&${node.anchor}`, offset);
        findings.error(
          "definition.anchor",
          document.position(from),
          "anchors and aliases are not allowed",
          "Write the value out.",
        );
      }
      if (isMap(node)) reportKeys(document, node, findings);
      if (isScalar(node) && typeof node.value === "string") reportText(document, node.value, offset, findings);
      return undefined;
    },
  });
}

/** Written with an escape, `"\0"` or `"\ud83d"`, it would come to light only when a saga sends it. */
function reportText(document: YamlDocument, text: string, offset: number, findings: Findings): void {
  const what = text.includes("\u0000")
    ? "a NUL character"
    : text.isWellFormed()
      ? undefined
      : "half of a surrogate pair";
  if (what === undefined) return;
  const hint = "Leave it out: no message can carry it.";
  findings.error("definition.yaml-syntax", document.position(offset), `the text holds ${what}`, hint);
}

function reportKeys(document: YamlDocument, map: YAMLMap, findings: Findings): void {
  const seen = new Set<string>();
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    const at = document.position(key.range?.[0] ?? 0);
    if (seen.has(name))
      findings.error("definition.duplicate-key", at, `\`${name}\` stands here twice`, "Keep one of them.");
    else if (name === "<<" && key.type === "PLAIN") {
      findings.error("definition.anchor", at, "merge keys (`<<`) are not allowed", "Write the keys out.");
    }
    seen.add(name);
  }
}

function reportTag(document: YamlDocument, tag: string, offset: number, findings: Findings): void {
  const own = tag.startsWith("!");
  // The node's range begins behind its tag.
  const start = Math.max(0, document.source.lastIndexOf(own ? tag : "!!", offset));
  const at = document.position(start);
  if (own) {
    // Cut, so that a file of one line with thousands of tags is still refused quickly.
    const expression =
      document.source
        .slice(start, start + 200)
        .split(/\r?\n/)[0]
        ?.trimEnd() ?? tag;
    findings.error(
      "definition.yaml-trap",
      at,
      `YAML reads \`${tag}\` as a tag, not as "not"`,
      `Quote the whole expression: "${expression}"`,
    );
  } else {
    findings.error("definition.tag", at, "tags are not allowed", "Leave the tag out; quote the value to get a string.");
  }
}

function reportSyntax(document: YamlDocument, error: YAMLError, findings: Findings): void {
  const [offset] = error.pos;
  const at = document.position(offset);
  // Cut, so that the patterns below stay cheap on a file of one line.
  const line = lineAt(document.source, offset).slice(0, 1000);
  const trap = trapBehind(error, line, document.source.slice(offset, offset + 1));
  if (trap !== undefined) {
    findings.error("definition.yaml-trap", at, trap.message, trap.hint);
    return;
  }
  const nested = error.message.startsWith("Nested mappings") ? "A value with `: ` in it needs quotes." : undefined;
  const hint = nested ?? SYNTAX_HINTS[error.code] ?? "Check the indentation and the quotes.";
  findings.error("definition.yaml-syntax", at, lowerFirst(error.message), hint);
}

const SYNTAX_HINTS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "Indent with spaces.",
  MULTIPLE_DOCS: "One file holds one saga: remove the `---`.",
  BAD_INDENT: "Give all keys of a block the same indentation.",
  MISSING_CHAR: "A quote, bracket or comma is missing.",
};

/** The parser's own words for these ("nested mappings", "flow-map-start") help nobody who wrote an expression. */
function trapBehind(error: YAMLError, line: string, rest: string): { message: string; hint: string } | undefined {
  const shape = shapeTrap(error, line, rest);
  if (shape !== undefined) return shape;
  if (error.code === "BLOCK_AS_IMPLICIT_KEY" && (line.includes("${") || BARE.test(line))) {
    return {
      message: "YAML takes the `: ` inside this expression for a key",
      hint: "Put the whole value in double quotes, or in single quotes if it holds double ones.",
    };
  }
  if (
    rest.startsWith("{") &&
    /\$\{/.test(line) &&
    (error.code === "UNEXPECTED_TOKEN" || error.code === "MISSING_CHAR")
  ) {
    return {
      message: "YAML takes the `{` of this `${ }` for a map, because it stands inside `{ }` or `[ ]`",
      hint: 'Quote it, "${ … }", or write the map over several lines.',
    };
  }
  if (error.code === "UNEXPECTED_TOKEN" && /:\s+(["']).*\1\s*\S/.test(line)) {
    return {
      message: "YAML ends this value at the closing quote",
      hint: "Quote the whole value with the other kind of quote, or put the string on the right-hand side.",
    };
  }
  return undefined;
}

/** Keys whose value is an expression without `${ }`. */
const BARE = /^\s*(?:- )*(?:if|when|choose|match|in):/;

/** `list<{ no: string }>`: a shape of one line that holds what YAML takes for its own. */
function shapeTrap(error: YAMLError, line: string, rest: string): { message: string; hint: string } | undefined {
  const [shape] = /list<\s*\{[^}]*\}?\s*>?(?:\([\d.]*\))?\??/.exec(line) ?? [];
  const broken = error.code === "BLOCK_AS_IMPLICIT_KEY" || rest.startsWith("{");
  if (shape === undefined || !broken) return undefined;
  return { message: "YAML takes the braces of this shape for a map", hint: `Quote it: "${shape}"` };
}

function lineAt(source: string, offset: number): string {
  const start = source.lastIndexOf("\n", offset - 1) + 1;
  const end = source.indexOf("\n", offset);
  return source.slice(start, end < 0 ? undefined : end);
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
