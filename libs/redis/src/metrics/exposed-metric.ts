import type { MetricDefinition } from './definitions.js';

/** One line of a scrape. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** Where it is not the metric's own, as `..._bucket`. */
  readonly metricName?: string;
}

/** Where the samples of a metric come from. */
export interface SampleSource {
  /** Asked once for each scrape. */
  read(): readonly Sample[] | Promise<readonly Sample[]>;
  /** Forgets what was counted, as `registry.resetMetrics()` wants it. */
  reset?(): void;
}

/**
 * A metric as a registry of prom-client asks for it. prom-client's own classes look a series up by a
 * text made of its labels at each observation, which takes longer than all the rest that is done about
 * a command; here a series is found by its labels, and put into words when it is scraped.
 */
export class ExposedMetric {
  /** A registry for OpenMetrics takes away `_total` when it is scraped. */
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
