import { HttpException, InternalServerErrorException, NotFoundException } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';

import { InvalidInputException } from './invalid-input.exception.js';
import { problemOf } from './problem-of.js';

describe('problemOf', () => {
  it('tells the client what a 4xx is about', () => {
    expect(problemOf(new NotFoundException('No such user.'))).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'No such user.',
    });
  });

  it.each([
    ['an error', new Error('secret'), 500],
    ['something that is not an error', 'secret', 500],
    ['a 5xx', new InternalServerErrorException('secret'), 500],
    ['a 502', new HttpException('secret', 502), 502],
  ])('tells the client nothing but the status of %s', (_, exception, status) => {
    const problem = problemOf(exception);

    expect(problem.status).toBe(status);
    expect(JSON.stringify(problem)).not.toContain('secret');
  });

  it('has a title for a status that HTTP does not know', () => {
    expect(problemOf(new HttpException('?', 499)).title).toBe('Error');
  });

  it('lists every field, nested ones by their path', () => {
    const exception = new InvalidInputException([
      { property: 'email', constraints: { isEmail: 'a', isString: 'b', again: 'a' } },
      { property: 'address', children: [{ property: 'city', constraints: { isString: 'c' } }] },
    ]);

    expect(problemOf(exception).errors).toEqual([
      { property: 'email', messages: ['a', 'b'] },
      { property: 'address.city', messages: ['c'] },
    ]);
  });
});
