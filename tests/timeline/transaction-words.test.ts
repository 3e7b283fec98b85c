import { expect, test } from "bun:test";
import { transactionWord } from "../../engine/timeline/transaction-words.ts";

test("a statement that ends or nests the transaction is told by its first word, whatever stands before it", () => {
  for (const word of ["commit", "rollback", "begin", "start", "end", "abort", "savepoint", "release"]) {
    for (const text of [
      word,
      `  ${word.toUpperCase()} work`,
      `-- why\n${word}`,
      `/* a /* b */ c */ ${word};`,
      `;${word}`,
    ])
      expect(transactionWord(text, false)).toBe(word);
  }
  expect(transactionWord("prepare transaction 'a'", false)).toBe("prepare transaction");
  expect(transactionWord("commit prepared 'a'", false)).toBe("commit");
});

test("it is found as one of several, and not within quotes, bodies and comments", () => {
  expect(transactionWord("insert into a values ('x;y''; z'); commit", true)).toBe("commit");
  expect(transactionWord("insert into a values (e'it\\'s'); rollback; select 1", true)).toBe("rollback");
  for (const text of [
    "insert into a values ('; commit')",
    "insert into a values (e'\\'; commit; ')",
    'select 1 as "; commit"; select 2',
    "do $$ begin; commit; end $$; select 1",
    "do $of$ begin perform $$; commit$$; end $of$; select 1",
    "select 1; -- ; commit\nselect 2",
    "select 1; /* ; commit */ select 2",
    "select commit from a; select 'end'",
    "create function f() returns void begin atomic select 1; end; select 1",
    "prepare p as select 1; execute p",
    "select 1;",
    "",
  ])
    expect(transactionWord(text, true)).toBeUndefined();
});
