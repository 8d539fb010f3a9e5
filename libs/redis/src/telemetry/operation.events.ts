/** An operation of a batch or a repository, of one command or many, has ended. */
export type OperationEvent =
  | {
      readonly type: 'batch';
      readonly connection: string;
      /** The method, e.g. `getAll`. */
      readonly operation: string;
      readonly durationMs: number;
      /** The error that it threw; absent if it succeeded. */
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
      /** The error that it threw; absent if it succeeded. */
      readonly error?: unknown;
    };
