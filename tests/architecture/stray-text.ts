import type { SourceFile } from "./import-rules.ts";
import { lineAt } from "./source-text.ts";

/** What has no place in a file that others get, and why. */
const STRAY: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/\b(?:TODO|FIXME|XXX|HACK)\b/g, "left for later without a place: say it in docs/adr, or do it"],
  // Where packages and images come from is for the reader's machine to say.
  [
    /\b(?:registry\.npmjs\.org|registry\.yarnpkg\.com|npm\.pkg\.github\.com|(?:registry-1\.|index\.)?docker\.io|ghcr\.io|quay\.io|gcr\.io|public\.ecr\.aws|mcr\.microsoft\.com)\b/g,
    "names a registry",
  ],
  [/(?:^|[\s"'`(=:])(?:\/(?:home|Users|root|work|tmp\/wt)\/[\w.-]+|[A-Z]:\\Users\\)/gm, "a path of one machine"],
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
