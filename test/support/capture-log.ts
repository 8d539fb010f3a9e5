import { jest } from '@jest/globals';

export type LogLine = Readonly<Record<string, unknown>>;

export interface CapturedLog {
  lines(): LogLine[];
  release(): void;
}

/** Takes what pino writes on stdout: it has to be looked at and must not clutter the test report. */
export function captureLog(): CapturedLog {
  const texts: string[] = [];
  const write = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    texts.push(String(text));
    return true;
  });
  return {
    lines: () =>
      texts
        .join('')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as LogLine),
    release: () => {
      write.mockRestore();
    },
  };
}
