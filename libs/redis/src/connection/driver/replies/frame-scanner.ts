/**
 * Finds where a reply ends, without reading what it says, however the connection cut it into pieces. Knows the
 * types of RESP2 and RESP3 (https://redis.io/docs/latest/develop/reference/protocol-spec/).
 *
 * @internal
 */
export class FrameScanner {
  /** How many values of the reply are still to come, the one that has begun included. */
  #missing = 0;
  /** How many bytes of the present value are still to come, its line end included. */
  #body = 0;
  /** The type of the value whose line has begun; {@link NO_TYPE} between two. */
  #type = NO_TYPE;
  /** The number in the line that has begun. */
  #number = 0;
  #isNegative = false;

  /** Whether a reply has begun and not ended. */
  get isInside(): boolean {
    return this.#missing > 0;
  }

  /**
   * Goes on in the present reply, or begins the next one.
   *
   * @returns the place after its end; {@link NOT_HERE} if it does not end in these bytes
   * @throws UnknownTypeError for a type that the protocol did not have when this was written
   */
  endOf(bytes: Buffer, from: number): number {
    let at = from;
    if (this.#missing === 0) this.#missing = 1;
    while (this.#missing > 0) {
      if (this.#body > 0) {
        const some = Math.min(this.#body, bytes.length - at);
        at += some;
        this.#body -= some;
        if (this.#body > 0) return NOT_HERE;
        this.#missing--;
        continue;
      }
      if (at >= bytes.length) return NOT_HERE;
      if (this.#type === NO_TYPE) {
        this.#type = bytes[at++] as number;
        this.#number = 0;
        this.#isNegative = false;
      }
      at = this.#readLine(bytes, at);
      if (at === NOT_HERE) return NOT_HERE;
      this.#countValues();
    }
    return at;
  }

  /** Texts in a line are read as a number, too, which counts for nothing. */
  #readLine(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte === LF) return at + 1;
      if (byte === MINUS) this.#isNegative = true;
      else if (byte !== CR) this.#number = this.#number * 10 + byte - ZERO;
    }
    return NOT_HERE;
  }

  #countValues(): void {
    const type = this.#type;
    const number = this.#isNegative ? 0 : this.#number;
    this.#type = NO_TYPE;
    switch (String.fromCharCode(type)) {
      case '$':
      case '=':
      case '!':
        if (this.#isNegative) this.#missing--;
        else this.#body = number + LINE_END;
        return;
      case '*':
      case '~':
      case '>':
        this.#missing += number - 1;
        return;
      case '%':
        this.#missing += 2 * number - 1;
        return;
      case '|': // attributes come before the value that they are of
        this.#missing += 2 * number;
        return;
      case '+':
      case '-':
      case ':':
      case '_':
      case '#':
      case ',':
      case '(':
        this.#missing--;
        return;
      default:
        throw new UnknownTypeError();
    }
  }
}

export const NOT_HERE = -1;

export class UnknownTypeError extends Error {}

const NO_TYPE = -1;
const LINE_END = 2;
const LF = 0x0a;
const CR = 0x0d;
const MINUS = 0x2d;
const ZERO = 0x30;
