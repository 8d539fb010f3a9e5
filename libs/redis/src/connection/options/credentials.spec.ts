import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Credentials, type CredentialsFunction, type Renewal } from './credentials.js';

const DAY_MS = 86_400_000;
const untilExpiry = (ms: number) => ({ password: 'p', expiresAt: new Date(Date.now() + ms) });

describe('Credentials', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });
  async function live(give: CredentialsFunction, renewal: Renewal) {
    const credentials = new Credentials(give, 1_000);
    await credentials.ask();
    return credentials.renewBeforeExpiry(renewal);
  }

  it('share an answer among those who ask at the same time, and ask again afterwards', async () => {
    const give = jest.fn(() => Promise.resolve({ password: 'p' }));
    const credentials = new Credentials(give, 1_000);
    await Promise.all([credentials.ask(), credentials.ask()]);
    expect(give).toHaveBeenCalledTimes(1);
    await credentials.ask();
    expect(give).toHaveBeenCalledTimes(2);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no password', { username: 'u' }],
    ['an empty password', { password: '' }],
    ['a username that is no text', { username: 1, password: 'p' }],
    ['a date that is none', { password: 'p', expiresAt: 'soon' }],
    ['an invalid date', { password: 'p', expiresAt: new Date('soon') }],
  ])('refuse %s', async (_, answer) => {
    const credentials = new Credentials(() => answer as never, 1_000);
    await expect(credentials.ask()).rejects.toThrow('credentials() must return');
  });

  it('are texts for ioredis, and none for who prints them', async () => {
    const credentials = new Credentials(() => ({ username: 'me', password: 'hunter2' }), 1_000);
    await credentials.ask();
    expect(`${credentials.username}:${credentials.password}`).toBe('me:hunter2');
    expect(JSON.stringify(credentials)).not.toContain('hunter2');
  });

  it('are those of the default user where the username is empty', async () => {
    const credentials = new Credentials(() => ({ username: '', password: 'p' }), 1_000);
    await credentials.ask();
    expect(`${credentials.username}:${credentials.password}`).toBe('default:p');
  });

  it('are renewed after three quarters of their time, again and again', async () => {
    const renewal = jest.fn<Renewal>(() => Promise.resolve('renewed'));
    const end = await live(() => untilExpiry(60_000), renewal);
    await jest.advanceTimersByTimeAsync(44_000);
    expect(renewal).toHaveBeenCalledTimes(0);
    await jest.advanceTimersByTimeAsync(2_000);
    expect(renewal.mock.calls).toEqual([['default', 'p']]);
    await jest.advanceTimersByTimeAsync(45_000);
    expect(renewal).toHaveBeenCalledTimes(2);
    end();
    await jest.advanceTimersByTimeAsync(90_000);
    expect(renewal).toHaveBeenCalledTimes(2);
  });

  it('are not renewed at once because they are good for longer than a timer', async () => {
    const renewal = jest.fn<Renewal>(() => Promise.resolve('renewed'));
    await live(() => untilExpiry(60 * DAY_MS), renewal);
    await jest.advanceTimersByTimeAsync(44 * DAY_MS);
    expect(renewal).toHaveBeenCalledTimes(0);
    await jest.advanceTimersByTimeAsync(2 * DAY_MS);
    expect(renewal).toHaveBeenCalledTimes(1);
  });

  it('are tried again a second later where AUTH has to wait or is refused, with one warning', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const renewal = jest
      .fn<Renewal>()
      .mockResolvedValueOnce('later')
      .mockRejectedValueOnce(new Error('WRONGPASS'))
      .mockRejectedValueOnce(new Error('WRONGPASS'))
      .mockResolvedValue('renewed');
    await live(() => untilExpiry(60_000), renewal);
    await jest.advanceTimersByTimeAsync(45_500);
    expect(renewal).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledTimes(0);
    await jest.advanceTimersByTimeAsync(3_100);
    expect(renewal).toHaveBeenCalledTimes(4);
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
  });

  it('do not ask without a pause for what has expired already', async () => {
    const give = jest.fn(() => untilExpiry(-1_000));
    await live(give, () => Promise.resolve('renewed'));
    await jest.advanceTimersByTimeAsync(3_500);
    expect(give).toHaveBeenCalledTimes(4);
  });
});
