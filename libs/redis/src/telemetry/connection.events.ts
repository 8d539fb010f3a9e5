/** What happens to a connection; each once, however often the client retries in between. */
export type ConnectionEvent =
  | {
      readonly type: 'connection.ready';
      readonly connection: string;
      /** Where it is connected to, e.g. `localhost:6379`. */
      readonly endpoint: string;
      /** Whether it had been announced as down before. */
      readonly restored: boolean;
    }
  | {
      readonly type: 'connection.down';
      readonly connection: string;
      readonly endpoint: string;
      /** What the driver reported; absent when the server just closed the connection. */
      readonly error?: Error;
    };
