import type { ExpressionNode } from "./expression-node.ts";

/** The fields of a name that an expression can read; undefined when it may read any, as in `steps[input.which]`. */
export function fieldsRead(node: ExpressionNode, name: string): readonly string[] | undefined {
  const found = new Set<string>();
  return collect(node, name, found) ? [...found] : undefined;
}

/** False: the name stands there as a whole. */
function collect(node: ExpressionNode, name: string, found: Set<string>): boolean {
  const field = fieldIn(node, name);
  if (field !== undefined) {
    found.add(field);
    return true;
  }
  if (node.kind === "name") return node.name !== name;
  return childrenOf(node).every((child) => collect(child, name, found));
}

function fieldIn(node: ExpressionNode, name: string): string | undefined {
  if (node.kind !== "field" && node.kind !== "has" && node.kind !== "index") return undefined;
  if (node.target.kind !== "name" || node.target.name !== name) return undefined;
  if (node.kind !== "index") return node.name;
  return node.index.kind === "literal" && typeof node.index.value === "string" ? node.index.value : undefined;
}

function childrenOf(node: ExpressionNode): readonly ExpressionNode[] {
  switch (node.kind) {
    case "literal":
    case "name":
      return [];
    case "field":
    case "has":
      return [node.target];
    case "index":
      return [node.target, node.index];
    case "call":
      return node.receiver === undefined ? node.args : [node.receiver, ...node.args];
    case "macro":
      return [node.list, ...node.body];
    case "list":
      return node.items;
    case "map":
      return node.entries.flat();
    case "conditional":
      return [node.condition, node.yes, node.no];
    case "and":
    case "or":
    case "binary":
      return [node.left, node.right];
    case "not":
    case "negate":
      return [node.operand];
  }
}
