/** docker-compose.yml and what it mounts fit together; there is no Docker in the tests to try it. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { checkEnvironment } from '../../apps/users/src/config/environment.js';
import { readDashboard, readYaml } from '../support/operations.js';

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: readonly string[] | Readonly<Record<string, object>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

interface PrometheusConfiguration {
  readonly rule_files: readonly string[];
  readonly scrape_configs: readonly {
    readonly job_name: string;
    readonly static_configs: readonly { readonly targets: readonly string[] }[];
  }[];
}

const compose = readYaml('docker-compose.yml') as Compose;
const prometheus = readYaml('ops/prometheus/prometheus.yml') as PrometheusConfiguration;
const dockerfile = readFileSync('ops/Dockerfile', 'utf8');
const services = Object.entries(compose.services);
const PINNED = /^[\w./-]+:v?\d+\.\d[\w.-]*$/;

/** The mounts of all services, as host and container side. */
const mounts = services.flatMap(([name, { volumes = [] }]) =>
  volumes.map((volume) => {
    const [source = '', target = ''] = volume.split(':');
    return { name, source, target };
  }),
);

/** The path on this side of what a service sees under another one. */
function hostPath(service: string, path: string): string {
  const mount = mounts.find(({ name, target }) => name === service && path.startsWith(target));
  return mount ? path.replace(mount.target, mount.source) : path;
}

describe('docker-compose.yml', () => {
  it('has the services that the documents speak of', () => {
    expect(services.map(([name]) => name)).toEqual([
      'redis',
      'postgres',
      'api',
      'prometheus',
      'grafana',
    ]);
  });

  it('pins every image by a version', () => {
    const images = services.flatMap(([, { image }]) => (image === undefined ? [] : [image]));
    expect(images).toHaveLength(4);
    for (const image of images) expect(image).toMatch(PINNED);
  });

  it('opens its ports to this machine only, and each of them once', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    const ours = ports.map((port) => port.split(':')[1]);
    expect(ours).toEqual(['6379', '5432', '3000', '9090', '3001']);
  });

  it('mounts what is there', () => {
    const paths = mounts.filter(({ source }) => source.startsWith('.'));
    expect(paths.length).toBeGreaterThan(2);
    for (const { source } of paths) expect([source, existsSync(source)]).toEqual([source, true]);
    const named = mounts.map(({ source }) => source).filter((source) => !source.startsWith('.'));
    expect(named).toEqual(Object.keys(compose.volumes));
  });

  it.each(['redis', 'postgres'])('starts %s without anything else, and waits for it', (name) => {
    expect(compose.services[name]).not.toHaveProperty('depends_on');
    expect(compose.services[name]).not.toHaveProperty('build');
    expect(compose.services[name]).toHaveProperty('healthcheck');
    expect(compose.services['api']?.depends_on).toHaveProperty(
      [name, 'condition'],
      'service_healthy',
    );
  });

  it('tells the API where its servers are, and nothing that it does not know', () => {
    const environment = compose.services['api']?.environment ?? {};
    expect(environment['REDIS_URL']).toBe('redis://redis:6379');
    const of = compose.services['postgres']?.environment ?? {};
    expect(environment['DATABASE_URL']).toBe(
      `postgres://${of['POSTGRES_USER']}:${of['POSTGRES_PASSWORD']}@postgres:5432/${of['POSTGRES_DB']}`,
    );
    expect(() => checkEnvironment({ NODE_ENV: 'production', ...environment })).not.toThrow();
    const known = readFileSync('.env.example', 'utf8');
    for (const name of Object.keys(environment)) expect(known).toContain(`#${name}=`);
  });

  it('shows Grafana the dashboard of this repository', () => {
    const provisioning = '/etc/grafana/provisioning';
    const { providers } = readYaml(
      hostPath('grafana', `${provisioning}/dashboards/dashboards.yml`),
    ) as { providers: readonly { options: { path: string } }[] };
    const [provider] = providers;
    const home = String(
      compose.services['grafana']?.environment?.['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'],
    );
    expect(home.startsWith(`${provider?.options.path}/`)).toBe(true);
    expect(existsSync(hostPath('grafana', home))).toBe(true);
    expect(readDashboard().templating.list).toContainEqual(
      expect.objectContaining({ name: 'datasource', query: 'prometheus' }),
    );
  });

  it('leads Grafana to Prometheus, and Prometheus to the API and to the rules', () => {
    const { datasources } = readYaml(
      hostPath('grafana', '/etc/grafana/provisioning/datasources/prometheus.yml'),
    ) as { datasources: readonly { type: string; url: string }[] };
    expect(datasources).toEqual([
      expect.objectContaining({ type: 'prometheus', url: 'http://prometheus:9090' }),
    ]);
    const targets = prometheus.scrape_configs.flatMap(({ static_configs }) =>
      static_configs.flatMap((group) => group.targets),
    );
    expect(targets).toEqual(['api:3000']);
    for (const file of prometheus.rule_files) {
      expect(existsSync(hostPath('prometheus', `/etc/prometheus/${file}`))).toBe(true);
    }
  });
});

describe('ops/Dockerfile', () => {
  it('is the one that docker-compose.yml builds', () => {
    expect(compose.services['api']?.build).toEqual({
      context: '.',
      dockerfile: 'ops/Dockerfile',
    });
  });

  it('starts from a pinned Node', () => {
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image = '']) => image);
    expect(bases).toHaveLength(2);
    for (const base of bases) expect(base).toMatch(/^node:\d+\.\d+\.\d+-/);
  });

  it('copies what is there, and what is not ignored', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, sources = '']) => sources.split(' '),
    );
    const kept = [
      ...readFileSync('ops/Dockerfile.dockerignore', 'utf8').matchAll(/^!(\S+)$/gm),
    ].map(([, path = '']) => path);
    expect(copied).toContain('apps');
    for (const path of copied) {
      expect([path, existsSync(path)]).toEqual([path, true]);
      expect([path, kept.some((top) => `${path}/`.startsWith(`${top}/`))]).toEqual([path, true]);
    }
  });

  it('does not run as root, and listens where the port is mapped to', () => {
    expect(dockerfile).toMatch(/^USER node$/m);
    const [, port] = /^EXPOSE (\d+)$/m.exec(dockerfile) ?? [];
    expect(dockerfile).toContain(`HOST=0.0.0.0 PORT=${port}`);
    expect(compose.services['api']?.ports).toEqual([`127.0.0.1:3000:${port}`]);
  });
});
