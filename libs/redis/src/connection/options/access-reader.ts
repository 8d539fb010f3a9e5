import { acceptedHost, isHost } from './addresses.js';
import { MASKED, maskSecrets, maskUrl } from './mask-secrets.js';
import { OptionReader } from './option-reader.js';

/**
 * Reads the options of a connection, among which are addresses and secrets: messages show a refused value
 * only if it cannot be a part of either.
 *
 * @internal
 */
export class AccessReader extends OptionReader {
  /** A text that is never shown. An empty one counts as not set. */
  secretOrNone(setting: string, value: unknown): string | undefined {
    if (value === undefined || value === '') return undefined;
    if (typeof value === 'string') return value;
    this.refuseSecret(setting, 'a text');
    return undefined;
  }

  /** A host name or an IP address, without a port. */
  host(setting: string, value: string | undefined, byDefault: string): string {
    if (value === undefined) return byDefault;
    if (typeof value === 'string' && isHost(value)) return value;
    this.refuse(setting, value, acceptedHost(value, setting.replace(/host$/, 'port'), "'url'"));
    return byDefault;
  }

  /** Refuses a value that is not shown. */
  refuseSecret(setting: string, accepted: string): void {
    this.note({ setting, value: MASKED, accepted });
  }

  /** Refuses a URL, of which only the scheme is shown. */
  refuseUrl(setting: string, value: unknown, accepted: string): void {
    this.note({ setting, value: maskUrl(String(value)), accepted });
  }

  /** Refuses the path of a file, which is no secret. */
  refusePath(setting: string, path: string, accepted: string): void {
    this.note({ setting, value: path, accepted });
  }

  protected override print(value: unknown): string {
    return maskSecrets(String(value));
  }
}
