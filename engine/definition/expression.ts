/**
 * The one importer of the CEL library. Only its parser is used: JSON knows one kind of number, CEL tells int from
 * double, and the library's runtime refuses `input.amount * 1.5` or answers with BigInt depending on how a literal was
 * written. It also offers regular expressions and time zones, whose cost and result depend on more than recorded data.
 * The tree is turned into our own nodes, which `evaluate-expression.ts` runs and `expression-type.ts` checks.
 */
import { Environment, ParseError, type ASTNode } from "@marcbachmann/cel-js";
import type { Expression } from "../core/definition.ts";
import { ExpressionFault, type Evaluator, type Scope } from "../core/evaluate.ts";
import type { Json } from "../core/json.ts";
import { evaluateNode } from "./evaluate-expression.ts";
import { fieldsRead } from "./expression-fields.ts";
import { functionNames, isFunction } from "./expression-functions.ts";
import { type BinaryOperator, type ExpressionNode, ExpressionSyntaxError, type Macro } from "./expression-node.ts";
import { EvaluationProblem } from "./expression-work.ts";
import { suggest } from "./suggest.ts";

const SOURCE_LENGTH_MAX = 4096;
const NESTED_MACROS_MAX = 2;
const CACHED_MAX = 2000;

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  limits: { maxAstNodes: 1000, maxDepth: 60, maxListElements: 200, maxMapEntries: 200, maxCallArguments: 8 },
});

const MACROS: ReadonlySet<string> = new Set<Macro>(["all", "exists", "exists_one", "map", "filter"]);
const BINARY: ReadonlySet<string> = new Set<BinaryOperator>([
  "==",
  "!=",
  "<",
  "<=",
  ">",
  ">=",
  "in",
  "+",
  "-",
  "*",
  "/",
  "%",
]);

/** @throws ExpressionSyntaxError with the offset of the fault. */
export function parseExpression(source: string): ExpressionNode {
  if (source.length > SOURCE_LENGTH_MAX) {
    throw new ExpressionSyntaxError(
      0,
      `the expression has ${source.length} characters, at most ${SOURCE_LENGTH_MAX} are allowed`,
      "Move the work into a domain's step.",
    );
  }
  if (source.trim() === "")
    throw new ExpressionSyntaxError(0, "the expression is empty", "Write something between `${` and `}`.");
  try {
    return convert(environment.parse(source).ast, 0);
  } catch (error) {
    if (error instanceof ParseError) throw syntaxError(source, error);
    throw error;
  }
}

function syntaxError(source: string, error: ParseError): ExpressionSyntaxError {
  const at = Math.min(error.range?.start ?? 0, source.length);
  const [, word = ""] = /^(and|or)\b/i.exec(source.slice(at)) ?? /\b(not)\s+$/i.exec(source.slice(0, at)) ?? [];
  const operator = WORDS[word.toLowerCase()];
  const equals = /(?<![=!<>])=(?!=)/.exec(source);
  // The reader stops at the last of three signs.
  const [, strict] = /([=!]=)=$/.exec(source.slice(0, at + 1)) ?? [];
  const hint =
    operator !== undefined
      ? `Write \`${operator}\` for "${word}".`
      : strict !== undefined
        ? `Write \`${strict}\` for \`${strict}=\`.`
        : equals === null
          ? "See the CEL language: operators == != < && || ! ? : in."
          : "Compare with `==`.";
  const ends = at === source.length ? "it ends where something must follow" : error.summary;
  const summary = operator === undefined ? ends : `\`${word}\` is no operator`;
  return new ExpressionSyntaxError(at, `the expression cannot be read: ${summary}`, hint);
}

/** Operators that other languages write as words. */
const WORDS: Readonly<Record<string, string>> = { and: "&&", or: "||", not: "!" };

/**
 * An evaluator that keeps the parsed form of the expressions it met, at most 2,000 of them.
 * It is pure: same expression and scope, same value.
 */
export function createEvaluator(): Evaluator {
  const parsed = new Map<string, ExpressionNode>();
  return {
    evaluate(expression: Expression, scope: Scope): Json {
      try {
        return evaluateNode(remembered(parsed, expression.source), scope);
      } catch (error) {
        if (error instanceof EvaluationProblem || error instanceof ExpressionSyntaxError) {
          const { line, column } = expression.at;
          throw new ExpressionFault(expression, `${error.message} (in \`${expression.source}\` at ${line}:${column})`);
        }
        throw error;
      }
    },
    fieldsOf(expression: Expression, name: "steps" | "vars"): readonly string[] | undefined {
      try {
        return fieldsRead(remembered(parsed, expression.source), name);
      } catch (error) {
        // It will fail when it is evaluated, whatever it reads.
        if (error instanceof ExpressionSyntaxError) return [];
        throw error;
      }
    },
  };
}

function remembered(parsed: Map<string, ExpressionNode>, source: string): ExpressionNode {
  const known = parsed.get(source);
  if (known !== undefined) return known;
  const node = parseExpression(source);
  const oldest = parsed.size >= CACHED_MAX ? parsed.keys().next() : undefined;
  if (oldest !== undefined && !oldest.done) parsed.delete(oldest.value);
  parsed.set(source, node);
  return node;
}

function convert(ast: ASTNode, macroDepth: number): ExpressionNode {
  const into = (child: ASTNode): ExpressionNode => convert(child, macroDepth);
  const at = ast.start;
  switch (ast.op) {
    case "value":
      return { kind: "literal", at, value: literal(ast.args, at) };
    case "id":
      return { kind: "name", at, name: ast.args };
    case ".":
      return { kind: "field", at: ast.pos, target: into(ast.args[0]), name: ast.args[1] };
    case "[]":
      return { kind: "index", at: ast.args[1].start, target: into(ast.args[0]), index: into(ast.args[1]) };
    case "call":
      return convertCall(ast.args[0], ast.args[1], at, into);
    case "rcall":
      return convertMethod(ast.args[0], ast.args[1], ast.args[2], macroDepth);
    case "list":
      return { kind: "list", at, items: ast.args.map(into) };
    case "map":
      return { kind: "map", at, entries: ast.args.map(([key, value]) => [into(key), into(value)] as const) };
    case "?:":
      return { kind: "conditional", at, condition: into(ast.args[0]), yes: into(ast.args[1]), no: into(ast.args[2]) };
    case "&&":
      return { kind: "and", at, left: into(ast.args[0]), right: into(ast.args[1]) };
    case "||":
      return { kind: "or", at, left: into(ast.args[0]), right: into(ast.args[1]) };
    case "!_":
      return { kind: "not", at, operand: into(ast.args) };
    case "-_":
      return { kind: "negate", at, operand: into(ast.args) };
    default:
      return convertBinary(ast, at, into);
  }
}

function convertBinary(ast: ASTNode, at: number, into: (child: ASTNode) => ExpressionNode): ExpressionNode {
  if (!isBinary(ast))
    throw new ExpressionSyntaxError(at, `\`${ast.op}\` is not available`, "Use has(…) for optional fields.");
  return { kind: "binary", at, operator: ast.op, left: into(ast.args[0]), right: into(ast.args[1]) };
}

function isBinary(ast: ASTNode): ast is Extract<ASTNode, { readonly op: BinaryOperator }> {
  return BINARY.has(ast.op);
}

function convertCall(
  name: string,
  args: readonly ASTNode[],
  at: number,
  into: (child: ASTNode) => ExpressionNode,
): ExpressionNode {
  const [first] = args;
  if (name === "has") {
    if (args.length !== 1 || first?.op !== ".") {
      throw new ExpressionSyntaxError(at, "has(…) takes one field", "Write has(steps.review) or has(input.note).");
    }
    return { kind: "has", at: first.pos, target: into(first.args[0]), name: first.args[1] };
  }
  if (!isFunction(name, false, args.length)) throw unknownFunction(name, at, false);
  return { kind: "call", at, name, args: args.map(into) };
}

function convertMethod(name: string, receiver: ASTNode, args: readonly ASTNode[], macroDepth: number): ExpressionNode {
  const target = convert(receiver, macroDepth);
  // The library gives no position for a method's name; it stands behind the receiver.
  const at = Math.max(receiver.start, receiver.input.indexOf(name, receiver.end));
  if (isMacro(name)) return convertMacro(name, target, args, at, macroDepth);
  if (!isFunction(name, true, args.length)) throw unknownFunction(name, at, true);
  return { kind: "call", at, name, receiver: target, args: args.map((arg) => convert(arg, macroDepth)) };
}

function isMacro(name: string): name is Macro {
  return MACROS.has(name);
}

function convertMacro(
  macro: Macro,
  list: ExpressionNode,
  args: readonly ASTNode[],
  at: number,
  macroDepth: number,
): ExpressionNode {
  const [variable, ...body] = args;
  const bodyMax = macro === "map" ? 2 : 1;
  if (variable?.op !== "id" || body.length < 1 || body.length > bodyMax) {
    throw new ExpressionSyntaxError(at, `${macro}(…) needs a variable and a body`, `Write list.${macro}(item, …).`);
  }
  if (macroDepth >= NESTED_MACROS_MAX) {
    throw new ExpressionSyntaxError(
      at,
      `${macro}(…) is nested more than ${NESTED_MACROS_MAX} deep`,
      "Move the work into a domain's step.",
    );
  }
  return {
    kind: "macro",
    at,
    macro,
    list,
    variable: variable.args,
    body: body.map((part) => convert(part, macroDepth + 1)),
  };
}

const NO_CLOCK = "There is no clock: the recorded time is `saga.now`, the start `saga.startedAt`.";

/** Functions that are not there on purpose, and what is. */
const UNAVAILABLE: ReadonlyMap<string, string> = new Map([
  ["matches", "Regular expressions are not available: their cost has no bound. Use startsWith, contains, or an enum."],
  ["now", NO_CLOCK],
  ["timestamp", NO_CLOCK],
  ["random", "There is no random: a saga decides the same each time that it is read."],
]);

function unknownFunction(name: string, at: number, method: boolean): ExpressionSyntaxError {
  const hint =
    UNAVAILABLE.get(name) ?? suggest(name, functionNames(method)) ?? `Available: ${functionNames(method).join(", ")}.`;
  return new ExpressionSyntaxError(
    at,
    `there is no function \`${name}\` for these arguments`,
    hint,
    "definition.unknown-function",
  );
}

function literal(value: unknown, at: number): null | boolean | number | string {
  if (typeof value === "string" && value.includes("\u0000"))
    throw new ExpressionSyntaxError(at, "the text holds a NUL character", "Leave it out: no message can carry it.");
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  const number = typeof value === "bigint" || typeof value === "number" ? Number(value) : Number.NaN;
  if (!Number.isFinite(number))
    throw new ExpressionSyntaxError(at, "this kind of literal is not available", "Use JSON's.");
  if (typeof value === "bigint" && !Number.isSafeInteger(number)) {
    throw new ExpressionSyntaxError(at, "the number is too large to be exact", "Use a string for such numbers.");
  }
  return number;
}
