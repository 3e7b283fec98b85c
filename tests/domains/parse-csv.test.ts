import { expect, test } from "bun:test";
import fc from "fast-check";
import { CsvError, parseCsv } from "../../scripts/parse-csv.ts";

test("a comma, a doubled quote and a line end may stand in a quoted field", () => {
  expect(parseCsv('a,b\n"1, one","say ""hi""\nagain"\n')).toEqual([{ a: "1, one", b: 'say "hi"\nagain' }]);
});

test("empty fields stay, and the last line needs no line end", () => {
  expect(parseCsv('a,b,c\r\n,"",\r\n1,2,3')).toEqual([
    { a: "", b: "", c: "" },
    { a: "1", b: "2", c: "3" },
  ]);
});

test.each([
  ['a,b\n1,x"y\n', "row 2: a quote stands where none may stand"],
  ['a,b\n1,"open\n', "row 2: a quote stands where none may stand"],
  ['a,b\n1,"x"y\n', "row 2: a quote stands where none may stand"],
  ["a,b\n1,2\n1,2,3\n", "row 3: 3 fields, expected 2"],
  ["a,b\n\n1,2\n", "row 2: 1 fields, expected 2"],
])("%j is refused", (text, message) => {
  expect(() => parseCsv(text)).toThrow(new CsvError(Number(message.slice(4, 5)), message.slice(7)));
});

test("law: what was quoted is read back", () => {
  const rows = fc.array(fc.tuple(fc.string(), fc.string()), { minLength: 1 });
  const quote = (field: string) => `"${field.replaceAll('"', '""')}"`;
  fc.assert(
    fc.property(rows, (given) => {
      const text = `a,b\n${given.map((row) => row.map(quote).join(",")).join("\n")}`;
      expect(parseCsv(text)).toEqual(given.map(([a, b]) => ({ a, b })));
    }),
  );
});
