import { printAddress } from '../../../errors/print-address.js';
import type { RedisAddress } from '../../options/options.js';
import { classifyError } from './classify-error.js';

/** Why an attempt to connect failed, or why a connection was lost. */
export interface ConnectionFailure {
  /** The error of the driver, of the system or of OpenSSL. */
  readonly error: Error;
  /** The server that did not answer: a Redis server, or a sentinel that was asked for one. */
  readonly hop: 'server' | 'sentinel';
  readonly address?: RedisAddress | undefined;
  /**
   * How far the connection had come: TCP, the TLS handshake, the greeting of Redis (over TLS or in plain
   * text), or commands.
   */
  readonly phase: 'connecting' | 'handshake' | 'greeting over TLS' | 'greeting' | 'working';
}

/** The meaning of a failure of a connection, in words. */
export interface Explanation {
  /** OpenSSL's or the system's code (`CERT_HAS_EXPIRED`, `ECONNREFUSED`), or the word of Redis's reply. */
  readonly code: string;
  /** The code, and what the driver said beside it. */
  readonly reason: string;
  /** A sentence or two on what to check or to change. */
  readonly advice: string;
  /** Whether every further attempt fails until the configuration or the server is changed. */
  readonly isPermanent: boolean;
}

interface Rule {
  readonly applies: (failure: ConnectionFailure, code: string) => boolean;
  readonly advice: string;
  readonly isPermanent?: true;
}

/** The code for a sentinel that answers in the place of a server, which ioredis would accept. */
export const IS_SENTINEL = 'REDIS_MODE_SENTINEL';

/** The code for a server that the sentinels named, but whose role is not the wanted one. */
export const OTHER_ROLE = 'REDIS_ROLE';

/** The code for a connection that the server has closed in an orderly way. */
export const CLOSED_BY_SERVER = 'CONNECTION_CLOSED';

/** The code for a server or a network that does not answer in time. */
export const SILENT = 'ETIMEDOUT';

const TRUST_AUTHORITY =
  "Trust the authority of the server's certificate: set `tls.ca` (REDIS_TLS_CA_FILE).";

/** By the code with which Node and OpenSSL refuse a server's certificate: what to do about it. */
const CERTIFICATES: Readonly<Record<string, string>> = {
  CERT_CHAIN_TOO_LONG: "Shorten the chain of the server's certificate.",
  CERT_HAS_EXPIRED: "Renew the server's certificate or, if that is still valid, its authority's.",
  CERT_NOT_YET_VALID:
    "Compare the clocks of this machine and of the server: the server's certificate is not valid yet.",
  CERT_REJECTED: "Replace the server's certificate.",
  CERT_REVOKED: "Replace the server's certificate: it was revoked.",
  CERT_SIGNATURE_FAILURE: "Replace the server's certificate: its signature is wrong.",
  CERT_UNTRUSTED: TRUST_AUTHORITY,
  ERR_TLS_CERT_ALTNAME_INVALID:
    "Connect by a name that is in the server's certificate, or set `tls.servername` to one.",
  INVALID_CA: 'Replace `tls.ca` (REDIS_TLS_CA_FILE): it is not the certificate of an authority.',
  INVALID_PURPOSE: "Replace the server's certificate: it was not issued for use by a server.",
};

/** The authority is not known: `tls.ca` is missing, or is the authority of another server. */
const UNKNOWN_AUTHORITY =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/;

/** The server's answer, in TLS, to a client certificate that is missing or that it does not accept. */
const OUR_CERTIFICATE_REFUSED = /^ERR_SSL_.*ALERT_(.*CERTIFICATE.*|UNKNOWN_CA)$/;

/** The first rule that applies is used, so specific rules come before general ones. */
const RULES: readonly Rule[] = [
  {
    applies: ({ error }) => error.message.includes('No such master with that name'),
    advice:
      'Correct `sentinelName` (REDIS_SENTINEL_NAME): the sentinels watch no primary of that name.',
    isPermanent: true,
  },
  {
    applies: ({ error, hop }) => hop === 'sentinel' && isUnknownCommand(error, 'sentinel'),
    advice:
      'Correct `sentinels` (REDIS_SENTINELS): a Redis server answers at this address, not a sentinel.',
    isPermanent: true,
  },
  {
    applies: ({ error }, code) => code === IS_SENTINEL || isUnknownCommand(error, 'cluster'),
    advice:
      'A sentinel answers at this address, not a Redis server: configure it as `sentinels` (REDIS_SENTINELS) with `sentinelName` (REDIS_SENTINEL_NAME), or use the port of Redis.',
    isPermanent: true,
  },
  {
    applies: ({ error }) => error.message.includes('cluster support disabled'),
    advice:
      'The server does not belong to a cluster: configure it as `host` and `port` (REDIS_HOST, REDIS_PORT) instead of `clusterNodes` (REDIS_CLUSTER_NODES).',
    isPermanent: true,
  },
  {
    applies: ({ error }) => error.message.includes('DB index is out of range'),
    advice: 'Correct `db` (REDIS_DB): the server has fewer databases.',
    isPermanent: true,
  },
  {
    applies: ({ error }) => classifyError(error, true)?.kind === 'authentication',
    advice: 'Check the username and password.',
    isPermanent: true,
  },
  {
    applies: (_, code) => code === OTHER_ROLE,
    advice:
      'A failover may be under way: the client tries again by itself. If this lasts, check which server the sentinels name.',
  },
  {
    applies: ({ error }) => error.message.includes('max number of clients reached'),
    advice: 'Raise `maxclients` of the server, or open fewer connections.',
  },
  ...Object.entries(CERTIFICATES).map(([certificate, advice]): Rule => ({
    applies: (_, code) => code === certificate,
    advice,
    isPermanent: true,
  })),
  {
    applies: (_, code) => UNKNOWN_AUTHORITY.test(code),
    advice: TRUST_AUTHORITY,
    isPermanent: true,
  },
  {
    applies: (_, code) => OUR_CERTIFICATE_REFUSED.test(code),
    advice:
      'Set `tls.cert` and `tls.key` (REDIS_TLS_CERT_FILE, REDIS_TLS_KEY_FILE) to a client certificate that the server accepts.',
    isPermanent: true,
  },
  {
    // Redis does not always say which alert it means, when several clients connect at once.
    applies: (_, code) => /^ERR_SSL_.*ALERT/.test(code),
    advice:
      'The server broke off the TLS handshake. If it requires a client certificate, set `tls.cert` and `tls.key` (REDIS_TLS_CERT_FILE, REDIS_TLS_KEY_FILE) to one that it accepts.',
  },
  {
    applies: (_, code) => /^ERR_(OSSL|CRYPTO|INVALID_ARG)/.test(code),
    advice: 'Correct `tls.ca`, `tls.cert` and `tls.key`: Node cannot use them.',
    isPermanent: true,
  },
  {
    applies: (_, code) => code.startsWith('ERR_SSL_'),
    advice:
      'The TLS handshake failed. Check that the server speaks TLS on this port; if it does not, use redis:// and leave out `tls` (REDIS_TLS).',
  },
  {
    applies: ({ phase }, code) => phase === 'handshake' && code === SILENT,
    advice:
      'The server accepts connections but does not answer the TLS handshake. Check that it speaks TLS on this port; if it does not, use redis:// and leave out `tls` (REDIS_TLS).',
  },
  {
    applies: ({ phase }) => phase === 'handshake',
    advice:
      'The server broke off the TLS handshake. Check that it speaks TLS on this port, and whether it requires a client certificate.',
  },
  {
    applies: ({ phase }, code) => phase.startsWith('greeting') && code === SILENT,
    advice:
      'The server accepts connections but does not answer. Check whether it is frozen, and whether the address is right.',
  },
  {
    applies: ({ phase }) => phase === 'greeting over TLS',
    advice:
      'The server closed the connection before it answered. Check whether it requires a client certificate, or accepts no more clients.',
  },
  {
    applies: ({ phase }) => phase === 'greeting',
    advice:
      'The server closed the connection before it answered. If it speaks only TLS, use rediss:// or set `tls` (REDIS_TLS).',
  },
  {
    applies: (_, code) => code === 'ENOTFOUND' || code === 'EAI_AGAIN',
    advice:
      'The host name cannot be resolved. Check its spelling, and whether the DNS of this machine knows it.',
  },
  {
    applies: (_, code) => code === SILENT || /^E(HOST|NET)(UNREACH|DOWN)$/.test(code),
    advice:
      'Nothing answers at this address. Check the address, and whether a firewall or a network policy blocks it.',
  },
];

const OTHERWISE: Omit<Rule, 'applies'> = {
  advice: 'Is the server running, and is the address right?',
};

/**
 * Puts a failure of a connection into two sentences: what could not be reached and why, and what to try.
 *
 * @param configured the address to name if the failure does not know it
 * @internal
 */
export function sentenceOf(failure: ConnectionFailure, configured: RedisAddress): string {
  const { reason, advice } = explainFailure(failure);
  const server = failure.hop === 'sentinel' ? 'the sentinel' : 'Redis';
  const address = printAddress(failure.address ?? configured);
  return `No connection to ${server} at ${address} (${reason}). ${advice}`;
}

/** Says what a failure of a connection means, and what to do about it. @internal */
export function explainFailure(failure: ConnectionFailure): Explanation {
  const { error } = failure;
  const code = codeOf(error);
  const rule = RULES.find(({ applies }) => applies(failure, code)) ?? OTHERWISE;
  const said = saidBy(error);
  const reason = said === '' || said.includes(code) ? said || code : `${code}: ${said}`;
  // The words of the system repeat its code and the address, which the message names by itself.
  const isSystems = 'syscall' in error;
  return {
    code,
    reason: isSystems ? code : reason,
    advice: rule.advice,
    isPermanent: rule.isPermanent ?? false,
  };
}

function codeOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === 'string') return code;
  return (error.name === 'ReplyError' && classifyError(error, true)?.reply) || error.name;
}

/** The message of an OpenSSL error is a dump of OpenSSL's stack; its words are in `reason`. */
function saidBy(error: Error): string {
  const { library, reason } = error as { library?: unknown; reason?: unknown };
  if (library !== undefined && typeof reason === 'string') return reason;
  return error.message.split('\n', 1)[0] ?? '';
}

function isUnknownCommand(error: Error, command: string): boolean {
  return new RegExp(`^ERR unknown command ['\`]${command}['\`]`, 'i').test(error.message);
}
