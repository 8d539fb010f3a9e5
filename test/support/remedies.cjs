/**
 * Describes the programs that some tests need and some machines lack: the mark in the name of a suite,
 * from which the reporter tells why it was skipped; the variable that the global set-up sets to `yes` or
 * `no`; and how to install the program.
 */
module.exports.REAL_REDIS = {
  name: 'a real Redis server',
  mark: '[real Redis]',
  variable: 'REAL_REDIS',
  remedy: [
    'Get one, then run the tests again:',
    '  sudo apt-get install -y redis-server     Debian, Ubuntu',
    '  brew install valkey                      macOS',
    '  REDIS_SERVER_BIN=/path/to/redis-server   any other place',
  ].join('\n'),
};

module.exports.PROMETHEUS = {
  name: 'Prometheus',
  mark: '[Prometheus]',
  variable: 'REAL_PROMETHEUS',
  remedy: [
    'Get it, then run the tests again; prometheus and promtool are looked for on the PATH:',
    '  sudo apt-get install -y prometheus       Debian, Ubuntu',
    '  brew install prometheus                  macOS',
  ].join('\n'),
};

module.exports.POSTGRES = {
  name: 'PostgreSQL',
  mark: '[PostgreSQL]',
  variable: 'REAL_POSTGRES',
  remedy: [
    'Get it, then run the tests again; it need not run as a service:',
    '  sudo apt-get install -y postgresql       Debian, Ubuntu',
    '  brew install postgresql@17               macOS',
    '  POSTGRES_BIN=/folder/of/initdb           any other place',
  ].join('\n'),
};
