import type { RedisClient } from '../../connection/options/options.js';
import { connectionOf } from '../../connection/connection.js';
import type { EntityWrite, EntityWriter, Outcome } from './entity-writer.js';

/**
 * The door of all writing: behind it there is nothing but Redis, so that an error that comes out is
 * Redis's. What the application's own functions throw never comes this way.
 *
 * @internal
 */
export class TranslatingWriter implements EntityWriter {
  readonly #writer: EntityWriter;
  readonly #client: RedisClient;

  constructor(writer: EntityWriter, client: RedisClient) {
    this.#writer = writer;
    this.#client = client;
  }

  async write(write: EntityWrite): Promise<Outcome> {
    try {
      return await this.#writer.write(write);
    } catch (error) {
      throw connectionOf(this.#client).exceptionOf(error);
    }
  }

  async remove(id: string, key: string): Promise<boolean> {
    try {
      return await this.#writer.remove(id, key);
    } catch (error) {
      throw connectionOf(this.#client).exceptionOf(error);
    }
  }
}
