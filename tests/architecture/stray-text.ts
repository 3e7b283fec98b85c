import type { SourceFile } from "./import-rules.ts";
import { lineAt } from "./source-text.ts";

/** What has no place in a file that others get, and why. */
const STRAY: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/\b(?:TODO|FIXME|XXX|HACK)\b/g, "left for later without a place: say it in docs/adr, or do it"],
  // Where packages and images come from is for the reader's machine to say.
  [
    /\b(?:registry|npm|repo\d?|packages?|central|mirrors?)\.[\w-]+(?:\.[\w-]+)*\.(?:org|com|net|io)\b|\b\w*(?:docker|cr)\.io\b/g,
    "names a registry",
  ],
  [/(?:^|[\s"'`(=:])(?:\/(?:home|Users|root|work|tmp)\/[\w.-]+|[A-Z]:\\Users\\)/gm, "a path of one machine"],
  [/\bconsole\.debug\b|^\s*debugger;?$/gm, "left over from a search for a fault"],
  [/\.only\(|\b(?:test|describe|it)\.skip\(|\btest\.todo\(/g, "a test that is not run"],
  [/^(?:<{7}|>{7}|={7})(?: |$)/gm, "a merge that was not finished"],
];

/** Strays of a file, as `path:line: why`. */
export function straysIn({ path, source }: SourceFile): string[] {
  return STRAY.flatMap(([pattern, why]) =>
    [...source.matchAll(pattern)].map((match) => `${path}:${lineAt(source, match.index + match[0].length)}: ${why}`),
  );
}
