import { describe, expect, it } from '@jest/globals';
import { Command, Redis } from 'ioredis';
import { sendThrough, type Send, type Stage } from './stages.js';

/** A client that does not connect, and what happens to the commands that it sends. */
function client() {
  const redis = new Redis({ lazyConnect: true });
  const events: string[] = [];
  const send: Send = (command) => events.push(`sent ${command.name}`);
  redis.sendCommand = send;
  const stage =
    (name: string): Stage =>
    (next) =>
    (command, ...where) => {
      events.push(name);
      return next(command, ...where);
    };
  const ping = () => redis.sendCommand(new Command('ping'));
  return { redis, events, stage, ping };
}

describe('sendThrough', () => {
  it('takes a command through the stages in their order, and then sends it', () => {
    const { redis, events, stage, ping } = client();
    sendThrough(redis, [stage('first'), stage('second')]);
    ping();
    expect(events).toEqual(['first', 'second', 'sent ping']);
  });

  it('puts later stages around earlier ones, and takes them off again', () => {
    const { redis, events, stage, ping } = client();
    sendThrough(redis, [stage('first')]);
    const takeOff = sendThrough(redis, [stage('around')]);
    ping();
    takeOff();
    ping();
    expect(events).toEqual(['around', 'first', 'sent ping', 'first', 'sent ping']);
  });

  it('leaves a `sendCommand` alone that the application has put over them', () => {
    const { redis, events, stage, ping } = client();
    const takeOff = sendThrough(redis, [stage('around')]);
    const send = Reflect.get(redis, 'sendCommand') as Send;
    redis.sendCommand = (command) => {
      events.push('of the application');
      return send(command);
    };
    takeOff();
    ping();
    expect(events).toEqual(['of the application', 'around', 'sent ping']);
  });
});
