/** A CSV text that breaks RFC 4180; `row` is one-based and counts the header. */
export class CsvError extends Error {
  readonly code = "csv.malformed";
  readonly hint: string;

  constructor(row: number, reason: string) {
    super(`row ${row}: ${reason}`);
    this.name = "CsvError";
    this.hint = `Every row has the header's fields, and a quote inside a field is doubled: mend row ${row}.`;
  }
}

// One field (quoted, with doubled quotes inside, or bare) and what ends it. Sticky: nothing may be stepped over.
const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;

/**
 * Parses CSV with a header line into one record a row, strictly: a stray quote, a missing or a surplus field throws
 * {@link CsvError}. Commas, quotes and line ends may stand in quoted fields; nothing is trimmed or converted.
 */
export function parseCsv(text: string): Record<string, string>[] {
  const [header = [], ...rows] = parseRows(text);
  return rows.map((row, index) => {
    if (row.length !== header.length) throw new CsvError(index + 2, `${row.length} fields, expected ${header.length}`);
    return Object.fromEntries(header.map((name, at) => [name, row[at] ?? ""]));
  });
}

function parseRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  FIELD.lastIndex = 0;
  while (FIELD.lastIndex < text.length || row.length > 0) {
    const match = FIELD.exec(text);
    if (!match) throw new CsvError(rows.length + 1, "a quote stands where none may stand");
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === ",") continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
