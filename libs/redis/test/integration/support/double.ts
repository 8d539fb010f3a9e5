import type { Customer } from './customer.js';
import { InMemoryRepository, type InMemoryOptions } from './in-memory-repository.js';

/** A double that keeps the contract. */
export class Double extends InMemoryRepository<Customer> {}

/** One that does not. */
export type Mutant = new (options: InMemoryOptions<Customer>) => Double;

/** A description of the defect, the promise that it breaks, and the broken repository. */
export type BrokenDouble = readonly [broken: string, promise: string, mutant: Mutant];
