/** Something for each combination of label values, made when it is first asked for. */
export class LabelTree<Leaf> {
  readonly #make: (...values: string[]) => Leaf;
  readonly #root = new Map<string, unknown>();
  readonly #leaves: Leaf[] = [];

  constructor(make: (...values: string[]) => Leaf) {
    this.#make = make;
  }

  /** Always with the same number of values. Map by map: to join them to one key takes seven times as long. */
  of(...values: string[]): Leaf {
    const last = values.length - 1;
    let node = this.#root;
    for (let i = 0; i < last; i++) {
      const value = values[i] as string;
      let next = node.get(value) as Map<string, unknown> | undefined;
      if (!next) node.set(value, (next = new Map()));
      node = next;
    }
    const value = values[last] as string;
    const leaf = node.get(value) as Leaf | undefined;
    if (leaf !== undefined) return leaf;
    const made = this.#make(...values);
    node.set(value, made);
    this.#leaves.push(made);
    return made;
  }

  /** In the order in which they were made. */
  get leaves(): readonly Leaf[] {
    return this.#leaves;
  }

  /** The first of the label values. */
  get branches(): readonly string[] {
    return [...this.#root.keys()];
  }

  clear(): void {
    this.#root.clear();
    this.#leaves.length = 0;
  }
}
