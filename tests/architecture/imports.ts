import { codeOf, lineAt } from "./source-text.ts";

/** One import of a file; type imports and re-exports count. `specifier` is null when it is computed at run time. */
export interface Import {
  readonly specifier: string | null;
  readonly line: number;
}

const FORMS: readonly RegExp[] = [
  /\b(?:import|export)\b[\w\s{},*$]*?\bfrom\s*(?=["'])/g,
  /\bimport\s*(?=["'])/g,
  /\bimport\s*\(\s*/g,
  /\brequire\s*\(\s*/g,
];

/** Every import of a source, in the order of the forms above. */
export function importsOf(source: string): Import[] {
  const code = codeOf(source);
  return FORMS.flatMap((form) =>
    [...code.matchAll(form)].map((match) => {
      const at = match.index + match[0].length;
      const quoted = /^(["'])(.*?)\1|^`([^`$]*)`/s.exec(source.slice(at));
      return { specifier: quoted?.[2] ?? quoted?.[3] ?? null, line: lineAt(source, match.index) };
    }),
  );
}
