/** Something that the library did for its caller, in one command or many, has ended. */
export type OperationEvent =
  | {
      readonly type: 'batch';
      readonly connection: string;
      /** The method, e.g. `getAll`. */
      readonly operation: string;
      readonly durationMs: number;
      /** What it threw. */
      readonly error?: unknown;
    }
  | {
      readonly type: 'repository';
      readonly connection: string;
      /** The kind of the entity, e.g. `user`. */
      readonly kind: string;
      /** The method, e.g. `save`. */
      readonly operation: string;
      readonly durationMs: number;
      /** What it threw. */
      readonly error?: unknown;
    };
