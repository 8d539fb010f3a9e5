import { expect, it } from '@jest/globals';
import { plusJitter } from './jitter.js';

it('lengthens a wait by up to a fifth', () => {
  expect(plusJitter(100, () => 0)).toBe(100);
  expect(plusJitter(100, () => 1)).toBe(120);
  expect(plusJitter(0, () => 0.5)).toBe(0);
});
