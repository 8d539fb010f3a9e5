import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { bits, integer, objectId, octets, sequence, set, tagged, text, time, yes } from './der.js';

/**
 * The certificates and the key of a TLS connection to a test server, as PEM. Pass it to a client as its
 * `tls` option.
 */
export interface TlsMaterial {
  /** The certificate authority to trust. */
  readonly ca: string;
  /** For `localhost` and `127.0.0.1`, or for another name if asked for; also usable by a client. */
  readonly cert: string;
  readonly key: string;
}

const ECDSA_WITH_SHA256 = sequence(objectId('2a8648ce3d040302'));
const COMMON_NAME = objectId('550403');
const BASIC_CONSTRAINTS = objectId('551d13');
const KEY_USAGE = objectId('551d0f');
const ALTERNATIVE_NAMES = objectId('551d11');

const DAY_MS = 86_400_000;

/** The properties of a certificate that a test may change. @internal */
export interface TlsMaterialOptions {
  /** The host names for which the certificate is valid. @default ['localhost'] */
  readonly names?: readonly string[];
  /** Whether the certificate is valid for 127.0.0.1, too. @default true */
  readonly loopback?: boolean;
  /** When the certificate expires. @default in a day */
  readonly validTo?: Date;
  /** When the certificate of the authority expires. @default in a day */
  readonly authorityValidTo?: Date;
}

/**
 * Makes a certificate authority and one certificate signed by it, valid for a day. Not every machine has
 * openssl, and a certificate in the package would expire.
 *
 * @internal
 */
export function generateTlsMaterial(options: TlsMaterialOptions = {}): TlsMaterial {
  const { names = ['localhost'], loopback = true, validTo, authorityValidTo } = options;
  const authority = newKeys();
  const leaf = newKeys();
  const ca = certificate(
    'Test authority',
    authority.publicKey,
    authority.privateKey,
    [
      extension(BASIC_CONSTRAINTS, sequence(yes()), 'critical'),
      extension(KEY_USAGE, bits(Buffer.from([0b0000_0100]), 2), 'critical'), // keyCertSign
    ],
    authorityValidTo,
  );
  const alternatives = sequence(
    ...names.map((host) => tagged(2, Buffer.from(host), true)),
    ...(loopback ? [tagged(7, Buffer.from([127, 0, 0, 1]), true)] : []),
  );
  const cert = certificate(
    names[0] ?? 'localhost',
    leaf.publicKey,
    authority.privateKey,
    [extension(ALTERNATIVE_NAMES, alternatives)],
    validTo,
  );
  const key = leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { ca, cert, key };
}

function newKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function certificate(
  subject: string,
  subjectKey: KeyObject,
  issuerKey: KeyObject,
  extensions: readonly Buffer[],
  validTo = new Date(Date.now() + DAY_MS),
): string {
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  const toSign = sequence(
    tagged(0, integer(Buffer.from([2]))), // version 3
    integer(serial),
    ECDSA_WITH_SHA256,
    name('Test authority'),
    sequence(time(new Date(Date.now() - 2 * DAY_MS)), time(validTo)),
    name(subject),
    subjectKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...extensions)),
  );
  const signature = bits(sign('sha256', toSign, issuerKey));
  return toPem(sequence(toSign, ECDSA_WITH_SHA256, signature));
}

function name(commonName: string): Buffer {
  return sequence(set(sequence(COMMON_NAME, text(commonName))));
}

function extension(id: Buffer, value: Buffer, critical?: 'critical'): Buffer {
  return sequence(id, ...(critical === undefined ? [] : [yes()]), octets(value));
}

function toPem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
