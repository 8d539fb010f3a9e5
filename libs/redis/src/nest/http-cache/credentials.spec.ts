import 'reflect-metadata';
import { ExecutionContextHost } from '@nestjs/core/internal';
import { KafkaContext, MqttContext, NatsContext, RmqContext } from '@nestjs/microservices';
import { describe, expect, it } from '@jest/globals';
import { Credentials } from './credentials.js';

const credentials = new Credentials(['X-Acme-Partner']);

function inCall(type: string, ...args: unknown[]): boolean {
  const context = new ExecutionContextHost(args);
  context.setType(type);
  return credentials.areInContext(context);
}

describe('Credentials in a message', () => {
  const ways = (name: string): [string, unknown][] => [
    ['NATS', new NatsContext(['subject', new Map([[name, ['a']]])] as never)],
    ['Kafka', new KafkaContext([{ headers: { [name]: Buffer.from('a') } }] as never)],
    ['RabbitMQ', new RmqContext([{ properties: { headers: { [name]: 'a' } } }] as never)],
    [
      'MQTT',
      new MqttContext(['topic', { properties: { userProperties: { [name]: 'a' } } }] as never),
    ],
    ['gRPC', { getMap: () => ({ [name]: 'a' }) }],
  ];

  it.each([...ways('X-Api-Key'), ...ways('authorization'), ...ways('x-acme-partner')])(
    'of %s are found',
    (_, context) => {
      expect(inCall('rpc', {}, context)).toBe(true);
    },
  );

  it.each(ways('x-request-id'))('of %s are not found where there are none', (_, context) => {
    expect(inCall('rpc', { user: 'Ada' }, context)).toBe(false);
  });
});

describe('Credentials in the context of a resolver', () => {
  const headers = { 'x-api-key': 'a' };

  it.each<[string, object]>([
    ['the request of Apollo and Mercurius', { req: { headers } }],
    ['the request of a bare Mercurius', { reply: { request: { headers } } }],
    ['fetch headers', { request: { headers: new Headers(headers) } }],
    ['the parameters of a subscription', { connectionParams: { Authorization: 'a' } }],
    ['the request of a subscription', { extra: { request: { headers } } }],
    ['a user', { user: { id: 1 } }],
    ['a user that a guard has found', { req: { headers: {}, user: { id: 1 } } }],
  ])('are found in %s', (_, context) => {
    expect(inCall('graphql', undefined, {}, context, {})).toBe(true);
  });

  it.each<[string, unknown]>([
    ['no context', undefined],
    ['an anonymous request', { req: { headers: { accept: '*/*' } }, user: null }],
    ['loaders', { loaders: {}, userLoader: {} }],
  ])('are not found in %s', (_, context) => {
    expect(inCall('graphql', undefined, { apiKey: 'a' }, context, {})).toBe(false);
  });
});

it('does not take pseudo-headers of HTTP/2 for credentials', () => {
  const request = { method: 'GET', url: '/', headers: { ':authority': 'a', ':path': '/' } };
  expect(credentials.areIn(request, [])).toBe(false);
});
