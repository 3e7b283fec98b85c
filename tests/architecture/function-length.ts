import type { SourceFile } from "./import-rules.ts";
import { codeOf, lineAt } from "./source-text.ts";

/** Statements whose braces follow a parenthesis as well. */
const NO_FUNCTION = /\b(?:if|for|for await|while|switch|catch|with)\s*$/;
/** Its braces hold a group of tests, each a function of its own. */
const GROUP = /\bdescribe(?:\.each)?\([^;{}]*(?:async\s*)?(?:\w+|\([^()]*\))\s*=>$/;

/** Functions, methods and arrow functions of more lines than `linesMax`, as `path:line: N lines`. */
export function longFunctions({ path, source }: SourceFile, linesMax: number): string[] {
  const code = codeOf(source);
  const open: { readonly at: number; readonly isFunction: boolean }[] = [];
  const found: string[] = [];
  for (const { 0: brace, index } of code.matchAll(/[{}]/g)) {
    if (brace === "{") {
      open.push({ at: index, isFunction: beginsFunction(code, index) });
      continue;
    }
    const begun = open.pop();
    if (begun === undefined || !begun.isFunction) continue;
    const line = lineAt(source, startOf(code, begun.at));
    const lines = lineAt(source, index) - line + 1;
    if (lines > linesMax) found.push(`${path}:${line}: ${lines} lines`);
  }
  return found;
}

/** Whether the brace at `at` opens the body of a function. A parameter list or an arrow stands before it. */
function beginsFunction(code: string, at: number): boolean {
  const before = code.slice(0, at).trimEnd();
  if (before.endsWith("=>")) return !GROUP.test(before.slice(-300));
  const list = parametersBefore(before);
  return list !== undefined && !NO_FUNCTION.test(code.slice(0, list));
}

/** A declaration begins on the line of its parameter list, which may be long. */
function startOf(code: string, at: number): number {
  const before = code.slice(0, at).trimEnd();
  return parametersBefore(before.endsWith("=>") ? before.slice(0, -2).trimEnd() : before) ?? at;
}

/** Where the parameter list begins that ends `text`, apart from a return type. */
function parametersBefore(text: string): number | undefined {
  const end = /\)(?:\s*:\s*[^;=()]*)?$/.exec(text)?.index;
  if (end === undefined) return undefined;
  let depth = 0;
  for (let at = end; at >= 0; at--) {
    if (text[at] === ")") depth++;
    if (text[at] === "(" && --depth === 0) return at;
  }
  return undefined;
}
