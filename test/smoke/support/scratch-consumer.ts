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

/** Packages of the consumer beside the library's own peers: a compiler and Node's types. */
const tools = ['typescript', '@types/node', 'undici-types'];

export interface ConsumerOptions {
  /** Name of the file in test/smoke/consumer to run, without its ending. */
  readonly program: string;
  /** Packages of this repository that it has installed, too. */
  readonly packages?: readonly string[];
}

/** A folder that has the packed library, its dependencies and its peers installed, and nothing else. */
export class ScratchConsumer {
  readonly folder = mkdtempSync(join(tmpdir(), 'smoke-consumer-'));
  readonly #program: string;

  private constructor(program: string) {
    this.#program = program;
  }

  /**
   * Installs without a network: the library is unpacked from its tarball, its dependencies and peers
   * are links to the packages of this repository.
   */
  static async install(
    type: 'module' | 'commonjs',
    { program, packages = [] }: ConsumerOptions,
  ): Promise<ScratchConsumer> {
    const consumer = new ScratchConsumer(program);
    const target = join(consumer.folder, 'node_modules/nestjs-redis-data');
    mkdirSync(target, { recursive: true });
    const tarball = await pack(consumer.folder);
    await run('tar', ['-xzf', tarball, '-C', target, '--strip-components=1']);
    const { dependencies, peerDependencies } = JSON.parse(
      readFileSync(join(target, 'package.json'), 'utf8'),
    ) as Record<'dependencies' | 'peerDependencies', Record<string, string>>;
    const own = [...Object.keys(dependencies), ...Object.keys(peerDependencies)];
    for (const name of [...own, ...tools, ...packages]) consumer.#link(name);
    consumer.write('package.json', JSON.stringify({ name: 'consumer', type }));
    const settings = {
      compilerOptions: {
        target: 'es2022',
        module: 'nodenext',
        types: ['node'],
        strict: true,
        exactOptionalPropertyTypes: true,
        experimentalDecorators: true,
        skipLibCheck: true,
      },
      include: [`${program}.ts`],
    };
    consumer.write('tsconfig.json', JSON.stringify(settings));
    const source = join(repository, 'test/smoke/consumer', `${program}.ts`);
    cpSync(source, join(consumer.folder, `${program}.ts`));
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

  /**
   * @param flags for Node, before the program
   * @returns what it printed; rejects if it fails, or does not end by itself
   */
  async run(...flags: string[]): Promise<string> {
    const { stdout } = await run(process.execPath, [...flags, `${this.#program}.js`], {
      cwd: this.folder,
      timeout: 50_000,
    });
    return stdout;
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #link(name: string): void {
    const link = join(this.folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(repository, 'node_modules', name), link, 'junction');
  }
}

async function pack(destination: string): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', destination], {
    cwd: library,
  });
  const [packed] = JSON.parse(stdout) as [{ filename: string }];
  return join(destination, packed.filename);
}
