import { destination, type DestinationStream } from 'pino';
import pretty from 'pino-pretty';

/** Members that stand elsewhere in a readable line, or are left out. */
const NOT_FIELDS: ReadonlySet<string> = new Set([
  ...['level', 'time', 'pid', 'hostname', 'msg', 'context'],
  ...['req', 'res', 'responseTime', 'err', 'error', 'stack', 'success'],
]);

/** Characters that a terminal could take for a command; tabs and line ends are not among them. */
// eslint-disable-next-line no-control-regex -- the expression looks for them
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Frames of Node and of packages, the one in this repository included: they do not belong to the application. */
const FOREIGN_FRAME = /^\s+at .*(node:|[\\/]node_modules[\\/]|[\\/]libs[\\/]redis[\\/])/;

/**
 * A line of pino; `req` and `res` are those of pino-http. All other members may have any name and type, and
 * must be written: an error here would reach the caller that logs.
 */
interface Line {
  readonly [field: string]: unknown;
  readonly req?: { readonly method: string; readonly url: string } | null;
  readonly res?: { readonly statusCode: number } | null;
  readonly err?: { readonly stack?: unknown } | null;
}

interface RequestLine extends Line {
  readonly req: NonNullable<Line['req']>;
  readonly res: NonNullable<Line['res']>;
}

type Colors = Parameters<pretty.MessageFormatFunc>[3]['colors'];

/**
 * Writes lines for people. A request is its method, path, status and time. Fields follow their message as
 * `name=value`, and an error follows in lines of its own, with the frames of the application.
 *
 * It writes in the thread that logs: a transport of pino is a thread of its own, and loses the last lines of
 * a process that ends.
 */
export function readableLines(out: DestinationStream = destination(1)): DestinationStream {
  const toText = pretty.prettyFactory({
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname',
    hideObject: true,
    messageFormat: (line, _key, _label, { colors }) => textOf(line, colors),
    customColors: 'message:reset',
    useOnlyCustomProps: false,
  });
  return {
    write: (line) => {
      out.write(toText(line));
    },
  };
}

function textOf(line: Line, colors: Colors): string {
  return isRequestLine(line) ? requestText(line, colors) : eventText(line, colors);
}

function isRequestLine(line: Line): line is RequestLine {
  return Boolean(line.req && line.res);
}

function requestText({ req, res, responseTime }: RequestLine, colors: Colors): string {
  const { statusCode } = res;
  const paint = statusCode >= 500 ? colors.red : statusCode >= 400 ? colors.yellow : colors.green;
  return `${nameOf(req)} ${paint(String(statusCode))} ${colors.dim(`${String(responseTime)} ms`)}`;
}

function eventText(line: Line, { dim }: Colors): string {
  const { context, msg, req } = line;
  const fields = Object.entries(line)
    .filter(([name]) => !NOT_FIELDS.has(name))
    .map(([name, value]) => `${name}=${inOneLine(value)}`);
  const facts = [...fields, ...(req ? [`request="${nameOf(req)}"`] : [])].join(' ');
  const text = [
    context ? `${printable(context)}:` : '',
    printable(msg),
    facts && dim(printable(facts)),
  ];
  return text.filter(Boolean).join(' ') + errorText(line);
}

function errorText({ err, error, stack }: Line): string {
  const told = stack ?? err?.stack ?? err ?? error ?? '';
  if (told === '') return '';
  const lines = printable(told)
    .split('\n')
    .filter((line) => !FOREIGN_FRAME.test(line));
  return lines.map((line) => `\n    ${line}`).join('');
}

function nameOf({ method, url }: NonNullable<Line['req']>): string {
  return printable(`${method} ${url}`);
}

/** A text with several lines could be taken for a line of the log. */
function inOneLine(value: unknown): string {
  return typeof value === 'string' && !value.includes('\n') ? value : JSON.stringify(value);
}

function printable(value: unknown = ''): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replace(CONTROL, '');
}
