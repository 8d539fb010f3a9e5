/** The tables of docs/guide/health.md say what the code does: states, reasons and messages. */
import { readFileSync } from 'node:fs';
import { Test } from '@nestjs/testing';
import type { ServiceUnavailableException } from '@nestjs/common';
import {
  HealthCheckService,
  TerminusModule,
  type HealthCheckResult,
  type HealthIndicatorStatus,
} from '@nestjs/terminus';
import { describe, expect, it } from '@jest/globals';
import { OUTAGES, REASONS, REFUSALS } from '../../libs/redis/src/health/health-words.js';

const guide = readFileSync('docs/guide/health.md', 'utf8');

/** The rows of the table whose first heading this is, without their backticks. */
function rowsOf(heading: string): string[][] {
  const [table = ''] = new RegExp(`^\\| ${heading} +\\|[^]*?(?=\\n\\n)`, 'm').exec(guide) ?? [];
  const [, , ...rows] = table.split('\n');
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

/** Returns the answer of the endpoint when an indicator has this status. */
async function rowOf(health: HealthCheckService, status: HealthIndicatorStatus): Promise<string[]> {
  try {
    const report = await health.check([() => ({ redis: { status } })]);
    return [status, report.status, '200'];
  } catch (error) {
    const refused = error as ServiceUnavailableException;
    const report = refused.getResponse() as HealthCheckResult;
    return [status, report.status, String(refused.getStatus())];
  }
}

describe('the tables of the guide to health', () => {
  it('have every reason to be degraded, and no other', () => {
    expect(rowsOf('reason').map(([reason]) => reason)).toEqual(Object.values(REASONS));
  });

  it('have every message of a Redis that can do nothing, and no other', () => {
    const messages = new Map(rowsOf('message').map(([message = '', when = '']) => [message, when]));
    for (const [reply, message] of Object.entries(REFUSALS)) {
      expect(messages.get(message)).toContain(reply === 'CLUSTERDOWN' ? 'cluster_state' : reply);
    }
    // In the guide the state of the client is an example.
    const words = [...messages.keys()].map((message) => message.replace(/ \(\w+\)$/, ''));
    expect(words.sort()).toEqual([...Object.values(REFUSALS), ...Object.values(OUTAGES)].sort());
  });

  it('tell what terminus makes of each state', async () => {
    const module = await Test.createTestingModule({
      imports: [TerminusModule.forRoot({ logger: false })],
    }).compile();
    const health = module.get(HealthCheckService);
    const made = ['up', 'degraded', 'down'] as const;
    const rows = await Promise.all(made.map((status) => rowOf(health, status)));
    expect(rowsOf('state').map(([state, , status, http]) => [state, status, http])).toEqual(rows);
    await module.close();
  });
});
