import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const repository = process.cwd();
const library = join(repository, 'libs/redis');

/** What the consumer has beside the library's own peers: a compiler and Node's types. */
const tools = ['typescript', '@types/node', 'undici-types'];

/** A folder that has the packed library, its dependencies and its peers installed, and nothing else. */
export class ScratchConsumer {
  readonly folder = mkdtempSync(join(tmpdir(), 'smoke-consumer-'));

  /**
   * Installs without a network: the library is unpacked from its tarball, its dependencies and peers
   * are links to the packages of this repository.
   */
  static async install(type: 'module' | 'commonjs'): Promise<ScratchConsumer> {
    const consumer = new ScratchConsumer();
    const target = join(consumer.folder, 'node_modules/nestjs-redis-data');
    mkdirSync(target, { recursive: true });
    const tarball = await pack(consumer.folder);
    await run('tar', ['-xzf', tarball, '-C', target, '--strip-components=1']);
    const { dependencies, peerDependencies } = JSON.parse(
      readFileSync(join(target, 'package.json'), 'utf8'),
    ) as Record<'dependencies' | 'peerDependencies', Record<string, string>>;
    for (const name of [...Object.keys(dependencies), ...Object.keys(peerDependencies), ...tools]) {
      consumer.#link(name);
    }
    consumer.#write('package.json', { name: 'consumer', type });
    consumer.#write('tsconfig.json', {
      compilerOptions: {
        target: 'es2022',
        module: 'nodenext',
        types: ['node'],
        strict: true,
        exactOptionalPropertyTypes: true,
        experimentalDecorators: true,
        skipLibCheck: true,
      },
      include: ['main.ts'],
    });
    cpSync(join(repository, 'test/smoke/consumer/main.ts'), join(consumer.folder, 'main.ts'));
    return consumer;
  }

  /** @throws what the compiler says, if it is not content */
  async compile(): Promise<void> {
    const tsc = join(repository, 'node_modules/typescript/bin/tsc');
    try {
      await run(process.execPath, [tsc, '-p', this.folder]);
    } catch (error) {
      throw new Error((error as { stdout: string }).stdout, { cause: error });
    }
  }

  /** @returns what it printed; rejects if it fails, or does not end by itself */
  async run(): Promise<string> {
    const { stdout } = await run(process.execPath, ['main.js'], {
      cwd: this.folder,
      timeout: 20_000,
    });
    return stdout;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #link(name: string): void {
    const link = join(this.folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(repository, 'node_modules', name), link, 'junction');
  }

  #write(file: string, content: unknown): void {
    writeFileSync(join(this.folder, file), JSON.stringify(content));
  }
}

async function pack(destination: string): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', destination], {
    cwd: library,
  });
  const [packed] = JSON.parse(stdout) as [{ filename: string }];
  return join(destination, packed.filename);
}
