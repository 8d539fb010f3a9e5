import type { MetricDefinition } from './definitions.js';

/** One line of a scrape. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** Only where it differs from the metric's name, e.g. `..._bucket`. */
  readonly metricName?: string;
}

/** Gives the samples of a metric. */
export interface SampleSource {
  /** Called once per scrape. */
  read(): readonly Sample[] | Promise<readonly Sample[]>;
  /** Sets all counts back; called by `registry.resetMetrics()`. */
  reset?(): void;
}

/**
 * Gives a registry of prom-client the samples of one metric. prom-client's own metric classes build a text
 * from the labels at each observation, which takes longer than all other work on a command. Here a series
 * is found by its label values, and labels become text only at a scrape.
 */
export class ExposedMetric {
  /** A registry for OpenMetrics removes `_total` from it at a scrape. */
  name: string;
  readonly registeredName: string;
  readonly help: string;
  readonly type: MetricDefinition['type'];
  readonly aggregator: MetricDefinition['aggregator'];
  readonly #source: SampleSource;

  constructor({ name, help, type, aggregator }: MetricDefinition, source: SampleSource) {
    this.name = name;
    this.registeredName = name;
    this.help = help;
    this.type = type;
    this.aggregator = aggregator;
    this.#source = source;
  }

  async get() {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: await this.#source.read() };
  }

  reset(): void {
    this.#source.reset?.();
  }
}
