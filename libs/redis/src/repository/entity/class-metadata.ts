/** Reads classes by reflection: the types that the compiler emitted, and members with their descriptors. */

type MetadataReader = (key: string, target: object, property: string | symbol) => unknown;

/** The type of a property that `emitDecoratorMetadata` leaves behind, if reflect-metadata is loaded. */
export function emittedType(prototype: object, property: string | symbol): unknown {
  const { getMetadata } = Reflect as { getMetadata?: MetadataReader };
  return getMetadata?.('design:type', prototype, property);
}

/** The member that a class, or an ancestor, has under a name. */
export function inheritedDescriptor(
  prototype: object,
  property: string,
): PropertyDescriptor | undefined {
  for (let at: object | null = prototype; at; at = Object.getPrototypeOf(at) as object | null) {
    const found = Object.getOwnPropertyDescriptor(at, property);
    if (found) return found;
  }
  return undefined;
}

/** The names of what a class, or an ancestor, has a getter and a setter for. */
export function accessorPairsOf(prototype: object): string[] {
  const pairs: string[] = [];
  for (let at = prototype; isAboveRoot(at); at = Object.getPrototypeOf(at) as object) {
    for (const [name, found] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (found.get && found.set) pairs.push(name);
    }
  }
  return pairs;
}

function isAboveRoot(prototype: object | null): prototype is object {
  return prototype !== null && Object.getPrototypeOf(prototype) !== null;
}
