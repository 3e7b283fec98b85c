import type { Branch, GraphNode, Item, NodeKind, Outline } from "./outline.ts";

/** A way that is still open: from a node, with what stands on it. */
interface Open {
  readonly from: string;
  readonly label: string;
}

/** The outline as a Mermaid flowchart. */
export function mermaidOf(outline: Outline): string {
  return new Flowchart().draw(outline);
}

class Flowchart {
  readonly #nodes: string[] = [];
  readonly #edges: string[] = [];
  readonly #classes = new Map<string, string[]>();

  draw({ start, items, completed }: Outline): string {
    const begun = this.#node(start);
    const open = this.#items(items, [{ from: begun, label: "" }]);
    if (open.length > 0) this.#join(open, this.#node(completed));
    const classes = [...this.#classes].flatMap(([name, ids]) => [
      `classDef ${name} ${STYLES[name] ?? ""}`,
      `class ${ids.join(",")} ${name}`,
    ]);
    return ["flowchart TD", ...[...this.#nodes, ...this.#edges, ...classes].map((line) => `  ${line}`), ""].join("\n");
  }

  #items(items: readonly Item[], open: readonly Open[]): readonly Open[] {
    return items.reduce((ways, item) => this.#item(item, ways), open);
  }

  #item(item: Item, open: readonly Open[]): readonly Open[] {
    const id = this.#node(item.node);
    this.#join(open, id);
    if (item.undo !== undefined) this.#edges.push(`${id} -. undo .-> ${this.#node(item.undo)}`);
    const caught = item.catches.flatMap((branch) => this.#branch(branch, id));
    if (item.branches.length === 0) return item.ends ? caught : [{ from: id, label: "" }, ...caught];
    const ways = item.branches.flatMap((branch) => this.#branch(branch, id));
    if (item.join === undefined || ways.length === 0) return [...ways, ...caught];
    const join = this.#node(item.join);
    this.#join(ways, join);
    return [{ from: join, label: "" }, ...caught];
  }

  #branch({ label, items }: Branch, from: string): readonly Open[] {
    return this.#items(items, [{ from, label: label.text }]);
  }

  #join(open: readonly Open[], to: string): void {
    for (const { from, label } of open)
      this.#edges.push(label === "" ? `${from} --> ${to}` : `${from} -- "${escaped(label)}" --> ${to}`);
  }

  #node({ kind, lines, pivot }: GraphNode): string {
    const id = `n${this.#nodes.length}`;
    const [open, close] = SHAPES[kind] ?? ["[", "]"];
    this.#nodes.push(`${id}${open}"${lines.map(({ text }) => escaped(text)).join("<br/>")}"${close}`);
    const name = pivot ? "pivot" : kind === "fail" || kind === "undo" ? kind : undefined;
    if (name !== undefined) this.#classes.set(name, [...(this.#classes.get(name) ?? []), id]);
    return id;
  }
}

const SHAPES: Readonly<Partial<Record<NodeKind, readonly [string, string]>>> = {
  start: ["([", "])"],
  completed: ["([", "])"],
  end: ["([", "])"],
  fail: ["([", "])"],
  notify: ["[/", "/]"],
  wait: ["{{", "}}"],
  sleep: ["{{", "}}"],
  choose: ["{", "}"],
  if: ["{", "}"],
  saga: ["[[", "]]"],
  parallel: ["[[", "]]"],
  each: ["[[", "]]"],
  join: ["([", "])"],
};

const STYLES: Readonly<Record<string, string>> = {
  pivot: "stroke-width:4px",
  fail: "stroke:#b42318,color:#b42318",
  undo: "stroke-dasharray:4 3",
};

/** Mermaid ends a label at a quote and reads `#…;` and `<` as its own. */
function escaped(text: string): string {
  const codes: Readonly<Record<string, string>> = {
    "#": "#35;",
    '"': "#quot;",
    "<": "#lt;",
    ">": "#gt;",
    "&": "#amp;",
  };
  return text.replaceAll(/[#"<>&]/g, (letter) => codes[letter] ?? letter).replaceAll(/\s+/g, " ");
}
