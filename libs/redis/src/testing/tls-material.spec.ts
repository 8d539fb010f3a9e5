import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { generateTlsMaterial } from './tls-material.js';

it('makes a certificate for localhost and 127.0.0.1, signed by its authority', () => {
  const { ca, cert, key } = generateTlsMaterial();
  const [authority, leaf] = [new X509Certificate(ca), new X509Certificate(cert)];
  expect(authority.ca).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(leaf.checkIssued(authority)).toBe(true);
  expect(leaf.verify(authority.publicKey)).toBe(true);
  expect(leaf.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(leaf.checkHost('localhost')).toBe('localhost');
  expect(Date.parse(leaf.validTo)).toBeGreaterThan(Date.now());
});

it('makes new keys each time', () => {
  expect(generateTlsMaterial().key).not.toBe(generateTlsMaterial().key);
});
