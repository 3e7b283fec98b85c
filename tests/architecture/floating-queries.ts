import type { SourceFile } from "./import-rules.ts";
import { codeOf, lineAt } from "./source-text.ts";

// A query of postgres.js is sent only when awaited. Its type is a class of the library, and the linter's
// noFloatingPromises, which sees our own async functions, does not take a tagged template of it for a promise.
const STATEMENT = String.raw`(?:^|[;})]|(?<![$])\{|=>\s*\{|\belse\b|\bdo\b)\s*`;
const TEMPLATE = new RegExp(`${STATEMENT}((?:void\\s+)?(?:this\\.)?[#\\w$.]+(?:<[^\`;(){}]*>)?\\s*\`)`, "g");
const CALL = new RegExp(
  `${STATEMENT}((?:[\\w$.#]+\\.)?#?(?:sql|tx)\\.(?:begin|savepoint|unsafe|file|end|notify|listen)\\()`,
  "gi",
);

/** Statements that make a query and drop it, as `path:line`. */
export function floatingQueries({ path, source }: SourceFile): string[] {
  const code = codeOf(source);
  return [TEMPLATE, CALL]
    .flatMap((pattern) => [...code.matchAll(pattern)])
    .map((match) => match.index + match[0].length - (match[1] as string).length)
    .filter((at) => !/^(?:return|await|throw|yield|case|typeof)\b/.test(code.slice(at)))
    .map((at) => `${path}:${lineAt(source, at)}`);
}
