/** What the library uses of ioredis without a promise: all of it is there, and an absence is noticed at start. */
import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Cluster, Command, Redis, SentinelConnector } from 'ioredis';
import {
  checkInternals,
  SUPPORTED_VERSIONS,
  type Driver,
} from '../../src/connection/driver/check-internals.js';
import { DRIVER_SAYS } from '../../src/connection/driver/internals.js';

/** Where the ioredis of this run is installed: one of the two that are supported. */
const installed = dirname(dirname(require.resolve('ioredis')));
const packageIn = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    version: string;
    peerDependencies: { ioredis: string };
  };

const driver: Driver = { Redis, Cluster, Command, SentinelConnector };

type Class = new (...args: never[]) => object;

/** A class whose objects have everything but this member. */
function without(Original: Class, member: string): never {
  class Doctored extends Original {
    constructor(...args: never[]) {
      super(...args);
      Object.defineProperty(this, member, { get: () => undefined, set: () => undefined });
    }
  }
  return Doctored as never;
}

const MEMBERS = {
  Redis: `_readyCheck commandQueue connector flushQueue manuallyClosing reconnectTimeout sendCommand`,
  Cluster: `flushQueue refreshSlotsCache sendCommand slots startupNodes subscriber`,
  Command: `args getKeys inTransaction isResolved name pipelineIndex promise reject resolve toWritable`,
  SentinelConnector: `check connect connectToSentinel resolve sentinelIterator`,
};
const members = Object.entries(MEMBERS).flatMap(([owner, names]) =>
  names.split(' ').map((name) => [owner as keyof Driver, name] as const),
);

describe('The members of ioredis that the library uses', () => {
  it('are all there', () => {
    expect(() => {
      checkInternals(driver);
    }).not.toThrow();
  });

  it.each(members)('are missed at start: %s#%s', (owner, name) => {
    const doctored = { ...driver, [owner]: without(driver[owner], name) };
    const check = () => {
      checkInternals(doctored);
    };
    expect(check).toThrow(`(without ${owner}#${name}): `);
    expect(check).toThrow(`ioredis=${packageIn(installed).version} `);
    expect(check).toThrow(SUPPORTED_VERSIONS);
  });

  it('are missed at start where scripts of `defineCommand` are sent as ordinary commands', () => {
    class Doctored extends Redis {
      override defineCommand(name: string): void {
        Object.assign(this, { [name]: () => this.sendCommand(new Command('evalsha', ['sha'])) });
      }
    }
    const doctored = { ...driver, Redis: Doctored } as never;
    expect(() => {
      checkInternals(doctored);
    }).toThrow('(without Script.Command#toWritable)');
  });

  it('are expected of the versions that the package accepts', () => {
    expect(packageIn(join(__dirname, '../..')).peerDependencies.ioredis).toBe(SUPPORTED_VERSIONS);
  });
});

describe('The words by which the library recognises what ioredis says', () => {
  const sources = readdirSync(join(installed, 'built'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => readFileSync(join(installed, 'built', name), 'utf8'));

  it.each(Object.values(DRIVER_SAYS))('are still its words: %s', (words) => {
    const literal = new RegExp(`["'\`]${words.replaceAll('.', '\\.')}`);
    expect(sources.some((source) => literal.test(source))).toBe(true);
  });
});
