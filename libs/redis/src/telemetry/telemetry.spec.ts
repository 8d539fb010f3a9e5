import { describe, expect, it, jest } from '@jest/globals';
import { Telemetry } from './telemetry.js';

const ready = {
  type: 'connection.ready',
  connection: 'default',
  endpoint: 'h:1',
  restored: false,
} as const;

describe('A subscription', () => {
  it('ends only itself, also when it is ended twice', () => {
    const telemetry = new Telemetry();
    const handler = jest.fn();
    const end = telemetry.subscribe({ 'connection.ready': handler });
    telemetry.subscribe({ 'connection.ready': handler });
    end();
    end();
    telemetry.announce(ready);
    expect(handler).toHaveBeenCalledTimes(1);
    expect(telemetry.hears('connection.ready')).toBe(true);
  });

  it('whose handler throws a value without a text disturbs no other handler', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const telemetry = new Telemetry();
    const other = jest.fn();
    telemetry.subscribe({
      'connection.ready': () => {
        throw Object.create(null);
      },
    });
    telemetry.subscribe({ 'connection.ready': other });
    telemetry.announce(ready);
    expect(other).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('it threw no error'), {});
    warn.mockRestore();
  });
});
