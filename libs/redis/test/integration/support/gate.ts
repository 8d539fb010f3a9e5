import type { Command } from 'ioredis';
import type { RedisClient } from '../../../src/connection/options/options.js';

/** A client whose commands can be held back, to try what happens in between. */
export interface GatedClient {
  readonly client: RedisClient;
  /** Holds back the next command of this name whose arguments match; those after it pass. */
  hold(command: string, matches?: (args: readonly unknown[]) => boolean): Held;
}

export interface Held {
  /** When the command was about to be sent. */
  readonly reached: Promise<void>;
  /** Sends it. */
  release(): void;
}

interface Gate extends Held {
  readonly command: string;
  readonly matches: (args: readonly unknown[]) => boolean;
  readonly released: Promise<void>;
  reach(): void;
}

export function gated(client: RedisClient): GatedClient {
  const gates: Gate[] = [];
  const call = (command: string, args: unknown[], send: () => unknown) => {
    const at = gates.findIndex((gate) => gate.command === command && gate.matches(args));
    const [gate] = at < 0 ? [] : gates.splice(at, 1);
    gate?.reach();
    return gate ? gate.released.then(send) : send();
  };
  const handler: ProxyHandler<RedisClient> = {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (property === 'sendCommand') {
        return (command: Command, ...where: unknown[]) =>
          call(command.name, argsOf(command), () => method(command, ...where));
      }
      if (!gates.some(({ command }) => command === property)) return method;
      return (...args: unknown[]) => call(String(property), args, () => method(...args));
    },
  };
  return {
    client: new Proxy(client, handler),
    hold: (command, matches = () => true) => {
      let reach!: () => void;
      let release!: () => void;
      const reached = new Promise<void>((resolve) => (reach = resolve));
      const released = new Promise<void>((resolve) => (release = resolve));
      const gate = { command, matches, reached, released, reach, release };
      gates.push(gate);
      return gate;
    },
  };
}

/** The arguments of a script as its method is given them: the number of keys is a number. */
function argsOf({ name, args }: Command): unknown[] {
  if (name !== 'evalsha') return [args];
  return args.map((arg, i) => (i === 1 ? Number(arg) : arg));
}
