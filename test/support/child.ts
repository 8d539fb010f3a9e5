import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A child that start-in-child.cjs started. */
export interface ChildWithServer {
  readonly child: ChildProcess;
  readonly pid: number | undefined;
  readonly source: string | undefined;
  readonly url: string;
}

const SCRIPT = join(process.cwd(), 'test/support/start-in-child.cjs');

/** Starts a Node process that starts a server; the caller kills the process. */
export async function startInChild(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<ChildWithServer> {
  const child = spawn(process.execPath, [SCRIPT, ...args], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, ...(JSON.parse(line.toString()) as Omit<ChildWithServer, 'child'>) };
}
