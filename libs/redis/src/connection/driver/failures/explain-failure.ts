import type { RedisAddress } from '../../options/options.js';
import { classifyError } from './classify-error.js';

/** Why an attempt to connect failed, or why a connection was lost. */
export interface ConnectionFailure {
  /** What the driver, the system or OpenSSL said. */
  readonly error: Error;
  /** Who was to answer: the server itself, or a sentinel that was asked for it. */
  readonly hop: 'server' | 'sentinel';
  readonly address?: RedisAddress | undefined;
  /**
   * How far the connection had come: TCP, the TLS handshake, Redis's own greeting (over TLS or in plain
   * text), or work.
   */
  readonly phase: 'connecting' | 'handshake' | 'greeting over TLS' | 'greeting' | 'working';
}

/** A failure of a connection in words. */
export interface Explanation {
  /** OpenSSL's or the system's code (`CERT_HAS_EXPIRED`, `ECONNREFUSED`), or the word of Redis's reply. */
  readonly code: string;
  /** The code, and what the driver said beside it. */
  readonly reason: string;
  /** What to try. */
  readonly advice: string;
  /** Whether trying again cannot help before somebody has changed something. */
  readonly isPermanent: boolean;
}

interface Rule {
  readonly applies: (failure: ConnectionFailure, code: string) => boolean;
  readonly advice: string;
  readonly isPermanent?: true;
}

/** The code of a server that answers, and is a sentinel: ioredis would be content with it. */
export const IS_SENTINEL = 'REDIS_MODE_SENTINEL';

/** The code of a server that sentinels named, and that is no primary, or no replica if one was wanted. */
export const OTHER_ROLE = 'REDIS_ROLE';

/** The code of a connection that the server has ended in an orderly way. */
export const CLOSED_BY_SERVER = 'CONNECTION_CLOSED';

/** The code of whatever does not answer in time. */
export const SILENT = 'ETIMEDOUT';

/** What Node and OpenSSL say of a certificate that they do not accept, and what to do about it. */
const CERTIFICATES: Readonly<Record<string, string>> = {
  CERT_CHAIN_TOO_LONG: "Shorten the chain of the server's certificate.",
  CERT_HAS_EXPIRED: "Renew the server's certificate.",
  CERT_NOT_YET_VALID: "Compare the clocks: the server's certificate is not valid yet.",
  CERT_REJECTED: "Replace the server's certificate.",
  CERT_REVOKED: "Replace the server's certificate: it was revoked.",
  CERT_SIGNATURE_FAILURE: "Replace the server's certificate: its signature is wrong.",
  CERT_UNTRUSTED: "Trust the authority of the server's certificate: `tls.ca`, REDIS_TLS_CA_FILE.",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "Connect by a name that is in the server's certificate, or set `tls.servername` to one.",
  INVALID_CA: 'Replace `tls.ca` (REDIS_TLS_CA_FILE): it is no certificate authority.',
  INVALID_PURPOSE: "Replace the server's certificate: it is not meant for a server.",
};

/** The authority is not known: our `tls.ca` is missing, or that of another server. */
const UNKNOWN_AUTHORITY =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/;

/** What the server answers, in TLS, to a client certificate that it misses or does not accept. */
const OUR_CERTIFICATE_REFUSED = /^ERR_SSL_.*ALERT_(.*CERTIFICATE.*|UNKNOWN_CA)$/;

/** The first that applies says it all, so the specific ones come first. */
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
      'Correct `sentinels` (REDIS_SENTINELS): what answers there is no sentinel, but a Redis server.',
    isPermanent: true,
  },
  {
    applies: ({ error }, code) => code === IS_SENTINEL || isUnknownCommand(error, 'cluster'),
    advice:
      'What answers there is a sentinel: give it as `sentinels`, with `sentinelName`, or use the port of Redis.',
    isPermanent: true,
  },
  {
    applies: ({ error }) => error.message.includes('cluster support disabled'),
    advice:
      'The server is no node of a cluster: give it as `host` and `port` instead of `clusterNodes`.',
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
    advice: 'The sentinels are in a failover, or do not know of one yet: try again shortly.',
  },
  {
    applies: ({ error }) => error.message.includes('max number of clients reached'),
    advice: 'Raise maxclients of the server, or open fewer connections.',
  },
  ...Object.entries(CERTIFICATES).map(([certificate, advice]): Rule => ({
    applies: (_, code) => code === certificate,
    advice,
    isPermanent: true,
  })),
  {
    applies: (_, code) => UNKNOWN_AUTHORITY.test(code),
    advice: "Trust the authority of the server's certificate: `tls.ca`, REDIS_TLS_CA_FILE.",
    isPermanent: true,
  },
  {
    applies: (_, code) => OUR_CERTIFICATE_REFUSED.test(code),
    advice:
      'Check `tls.cert` and `tls.key` (REDIS_TLS_CERT_FILE, REDIS_TLS_KEY_FILE): the server does not accept this client.',
    isPermanent: true,
  },
  {
    // Redis does not always say which alert it means, when several clients connect at once.
    applies: (_, code) => /^ERR_SSL_.*ALERT/.test(code),
    advice:
      'The server broke off the TLS handshake, perhaps for want of a client certificate that it accepts: `tls.cert`, `tls.key` (REDIS_TLS_CERT_FILE, REDIS_TLS_KEY_FILE).',
  },
  {
    applies: (_, code) => /^ERR_(OSSL|CRYPTO|INVALID_ARG)/.test(code),
    advice: 'Correct `tls.ca`, `tls.cert` and `tls.key`: they cannot be used.',
    isPermanent: true,
  },
  {
    applies: (_, code) => code.startsWith('ERR_SSL_'),
    advice: 'The TLS handshake failed: does the server speak TLS, on this port?',
  },
  {
    applies: ({ phase }, code) => phase === 'handshake' && code === SILENT,
    advice:
      'It accepts connections but does not answer the TLS handshake: does it speak TLS on this port? If not, use redis:// and leave out `tls` (REDIS_TLS).',
  },
  {
    applies: ({ phase }) => phase === 'handshake',
    advice:
      'It broke off the TLS handshake: does it speak TLS on this port, and does it want a client certificate?',
  },
  {
    applies: ({ phase }, code) => phase.startsWith('greeting') && code === SILENT,
    advice: 'It accepts connections but does not answer: is it frozen, or no Redis?',
  },
  {
    applies: ({ phase }) => phase === 'greeting over TLS',
    advice:
      'It broke off before it answered: does it want a client certificate, or accept no more clients?',
  },
  {
    applies: ({ phase }) => phase === 'greeting',
    advice:
      'It broke off before it answered: does it speak TLS only? Then use rediss:// or set `tls` (REDIS_TLS).',
  },
  {
    applies: (_, code) => code === 'ENOTFOUND' || code === 'EAI_AGAIN',
    advice:
      'The host name cannot be resolved: is it spelt right, and does the DNS of this machine know it?',
  },
  {
    applies: (_, code) => code === SILENT || /^E(HOST|NET)(UNREACH|DOWN)$/.test(code),
    advice:
      'Nothing answers at this address: is it right, and does a firewall or a network policy stand between?',
  },
];

const OTHERWISE: Omit<Rule, 'applies'> = {
  advice: 'Is the server running, and is the address right?',
};

/** Says what a failure of a connection means, and what to do about it. @internal */
export function explainFailure(failure: ConnectionFailure): Explanation {
  const { error } = failure;
  const code = codeOf(error);
  const rule = RULES.find(({ applies }) => applies(failure, code)) ?? OTHERWISE;
  const said = saidBy(error);
  const reason = said === '' || said.includes(code) ? said || code : `${code}: ${said}`;
  // An address is named beside it, and the system's words are its code again.
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

/** OpenSSL's message is a dump of its stack; its reason is beside it. */
function saidBy(error: Error): string {
  const { library, reason } = error as { library?: unknown; reason?: unknown };
  if (library !== undefined && typeof reason === 'string') return reason;
  return error.message.split('\n', 1)[0] ?? '';
}

function isUnknownCommand(error: Error, command: string): boolean {
  return new RegExp(`^ERR unknown command ['\`]${command}['\`]`, 'i').test(error.message);
}
