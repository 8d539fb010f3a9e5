/** Checks, in types, the functions among a decorator's options against the method that it decorates. */
import type { AsyncMethod, ResultOf } from './cached-methods.js';

/** A list, or a function that makes it. */
export type ListOr<Item, Args extends readonly unknown[]> =
  readonly Item[] | ((...args: Args) => readonly Item[]);

/** Returns the list, or the one that the function makes of the arguments. */
export function listOf<Item, Args extends readonly unknown[]>(
  list: ListOr<Item, Args> | undefined,
  args: Args,
): readonly Item[] | undefined {
  return typeof list === 'function' ? list(...args) : list;
}

/** `Descriptor`, if a function that takes `Taken` can be called with `Given`. */
type Fits<Descriptor, Taken extends readonly unknown[], Given extends readonly unknown[]> = ((
  ...args: Taken
) => void) extends (...args: Given) => void
  ? Descriptor
  : { readonly 'an option takes other arguments than the method': Taken };

/** Decorates a method that can be called with what the options' functions take. */
export type CallDecorator<
  A extends readonly unknown[],
  B extends readonly unknown[],
  C extends readonly unknown[],
> = <Method extends AsyncMethod>(
  target: object,
  property: string | symbol,
  descriptor: TypedPropertyDescriptor<Method> &
    Fits<unknown, A, Parameters<Method>> &
    Fits<unknown, B, Parameters<Method>> &
    Fits<unknown, C, Parameters<Method>>,
) => void;

/** Decorates a method that can be called with what the options' functions take behind its result. */
export type ResultDecorator<A extends readonly unknown[], B extends readonly unknown[]> = <
  Method extends AsyncMethod,
>(
  target: object,
  property: string | symbol,
  descriptor: TypedPropertyDescriptor<Method> &
    Fits<unknown, A, [ResultOf<Method>, ...Parameters<Method>]> &
    Fits<unknown, B, [ResultOf<Method>, ...Parameters<Method>]>,
) => void;
